/**
 * `numerator / denominator` as decimal text with exactly `decimals` places, rounded once, half away from zero, like
 * Postgres's `round(numeric)`.
 * @param denominator not zero
 */
export function roundRatio(numerator: bigint, denominator: bigint, decimals: number): string {
  return formatScaled(roundToScaled(numerator, denominator, decimals), decimals);
}

/** The same as an integer: the quotient times 10^decimals. */
export function roundToScaled(numerator: bigint, denominator: bigint, decimals: number): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const scaled = (numerator < 0n ? -numerator : numerator) * 10n ** BigInt(decimals);
  const divisor = denominator < 0n ? -denominator : denominator;
  const rounded = (2n * scaled + divisor) / (2n * divisor);
  return negative ? -rounded : rounded;
}

/** An integer times 10^-decimals as decimal text. */
export function formatScaled(scaled: bigint, decimals: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(decimals + 1, '0');
  const sign = scaled < 0n ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * Decimal text (`12.5`, `-3`, `1E+2`) as an integer times 10^-decimals, rounded half away from zero; undefined for
 * anything else, including `NaN` and `Infinity`.
 */
export function parseScaled(text: string, decimals: number): bigint | undefined {
  const ratio = parseRatio(text, decimals);
  return ratio === undefined ? undefined : roundToScaled(ratio.numerator, ratio.denominator, 0);
}

/** The same, cut (floor) instead of rounded. */
export function floorToScaled(text: string, decimals: number): bigint | undefined {
  const ratio = parseRatio(text, decimals);
  if (ratio === undefined) return undefined;
  const quotient = ratio.numerator / ratio.denominator;
  return ratio.numerator % ratio.denominator < 0n ? quotient - 1n : quotient;
}

/**
 * The whole number that decimal text (`1`, `1.0`, `10e-1`, `-0`) times 10^decimals is equal to; undefined if it is not whole.
 */
export function parseWhole(text: string, decimals = 0): bigint | undefined {
  const ratio = parseRatio(text, decimals);
  return ratio === undefined || ratio.numerator % ratio.denominator !== 0n
    ? undefined
    : ratio.numerator / ratio.denominator;
}

/** Decimal text times 10^decimals, exactly. */
function parseRatio(text: string, decimals: number): { numerator: bigint; denominator: bigint } | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const places = fraction.length - Number(exponentText) - decimals;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  return places <= 0
    ? { numerator: digits * 10n ** BigInt(-places), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(places) };
}

/** From here on, one more addend could exceed the whole numbers that a double holds exactly. */
const LARGE = 2 ** 52;

/** The exact sum of whole numbers between 0 and 2^52: beyond 2^53 a double cannot hold odd numbers. */
export function wholeSum(values: readonly number[]): bigint {
  let [total, part] = [0n, 0];
  for (const value of values) {
    part += value;
    if (part < LARGE) continue;
    total += BigInt(part);
    part = 0;
  }
  return total + BigInt(part);
}

/** The least common multiple of two integers above 0. */
export function commonMultiple(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}
