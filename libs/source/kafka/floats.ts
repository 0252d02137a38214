/** One of the two IEEE 754 binary formats, and the power of ten from which Postgres writes it with an exponent. */
interface Format {
  readonly fractionBits: number;
  readonly exponentBits: number;
  readonly fixedBelow: number;
  /** The bits of a number, as an integer. */
  bitsOf(value: number): bigint;
}

const view = new DataView(new ArrayBuffer(8));

const DOUBLE: Format = {
  fractionBits: 52,
  exponentBits: 11,
  fixedBelow: 15,
  bitsOf: (value) => {
    view.setFloat64(0, value);
    return view.getBigUint64(0);
  },
};

const SINGLE: Format = {
  fractionBits: 23,
  exponentBits: 8,
  fixedBelow: 6,
  bitsOf: (value) => {
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  },
};

/** A `double precision` as Postgres writes it. */
export function doubleText(value: number): string {
  const size = Math.abs(value);
  // In this range, where nearly all numbers lie, JavaScript writes the same.
  return size >= 1e-4 && size < 1e10 ? String(value) : floatText(value, DOUBLE);
}

/** A `real` as Postgres writes it. */
export const singleText = (value: number): string => floatText(value, SINGLE);

function floatText(value: number, format: Format): string {
  if (!Number.isFinite(value)) return String(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return `${sign}0`;
  const { digits, exponent } = shortest(Math.abs(value), format);
  const isFixed = exponent >= -4 && exponent < format.fixedBelow;
  return sign + (isFixed ? fixed : scientific)(digits, exponent);
}

/** The first digit stands for 10^exponent. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

/**
 * The shortest digits that read back as the number, and among those the nearest. Postgres excludes decimals exactly halfway
 * between two numbers, while JavaScript relies on the reader rounding to even: Postgres writes 1e23 as
 * 9.999999999999999e+22.
 * @param value above 0, finite
 */
function shortest(value: number, format: Format): Decimal {
  const first = Number(value.toExponential().split('e')[1]);
  const { at, low, high, scale } = neighbourhood(value, format);
  for (let last = first; ; last -= 1) {
    // 2^scale and 10^last as integers, both multiplied by the same factor.
    const bit = 2n ** BigInt(Math.max(scale, 0)) * 10n ** BigInt(Math.max(-last, 0));
    const step = 10n ** BigInt(Math.max(last, 0)) * 2n ** BigInt(Math.max(-scale, 0));
    const down = (at * bit) / step;
    const inside = [down, down + 1n].filter((digits) => digits * step > low * bit && digits * step < high * bit);
    if (inside.length === 0) continue;
    const twice = 2n * at * bit - (2n * down + 1n) * step;
    const isUp = inside.length === 1 ? inside[0] !== down : twice > 0n || (twice === 0n && down % 2n === 1n);
    const digits = (isUp ? down + 1n : down).toString();
    return { digits: digits.replace(/0+$/, ''), exponent: last + digits.length - 1 };
  }
}

/** A number and the midpoints between it and its neighbours, as integers times 2^scale. */
interface Neighbourhood {
  readonly at: bigint;
  readonly low: bigint;
  readonly high: bigint;
  readonly scale: number;
}

function neighbourhood(value: number, { fractionBits, exponentBits, bitsOf }: Format): Neighbourhood {
  const bits = bitsOf(value);
  const fraction = BigInt.asUintN(fractionBits, bits);
  const written = Number(bits >> BigInt(fractionBits));
  const mantissa = written === 0 ? fraction : fraction + 2n ** BigInt(fractionBits);
  const exponent = Math.max(written, 1) - 2 ** (exponentBits - 1) + 1 - fractionBits;
  // Below a power of two, numbers are twice as dense.
  const below = fraction === 0n && written > 1 ? 1n : 2n;
  return { at: 4n * mantissa, low: 4n * mantissa - below, high: 4n * mantissa + 2n, scale: exponent - 2 };
}

function fixed(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return digits.length > exponent + 1 ? `${whole}.${digits.slice(exponent + 1)}` : whole;
}

function scientific(digits: string, exponent: number): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
