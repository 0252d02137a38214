import { roundRatio } from '#libs/domain/rational.ts';

/** The greatest integer whose square is at most `n` (Newton's method, from above). @param n not below 0 */
export function integerRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (root + n / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

const signOf = (n: bigint): number => (n > 0n ? 1 : n < 0n ? -1 : 0);

/** The sign of a − b·√radicand, exactly: of one sign, two numbers compare as their squares do. @param radicand above 0 */
export function compareWithRoot(a: bigint, b: bigint, radicand: bigint): number {
  if (signOf(a) !== signOf(b)) return Math.sign(signOf(a) - signOf(b));
  const difference = a * a - b * b * radicand;
  return signOf(a < 0n ? -difference : difference);
}

/**
 * (a + b·√radicand) / denominator as decimal text with exactly `decimals` places, rounded once, half away from zero.
 * @param radicand above 0
 * @param denominator above 0
 */
export function roundWithRoot(a: bigint, b: bigint, radicand: bigint, denominator: bigint, decimals: number): string {
  const isNegative = compareWithRoot(a, -b, radicand) < 0;
  const [p, q] = isNegative ? [-a, -b] : [a, b];
  // Twice the value, with the decimals as integer: cut to an integer and then halved, it is rounded. Cutting the root
  // first changes nothing, as floor(y / n) = floor(floor(y) / n) for an integer n.
  const scale = 2n * 10n ** BigInt(decimals);
  const square = q * q * scale * scale * radicand;
  const root = integerRoot(square);
  const cut = q >= 0n ? root : root * root === square ? -root : -root - 1n;
  const rounded = (p * scale + cut + denominator) / (2n * denominator);
  return roundRatio(isNegative ? -rounded : rounded, 10n ** BigInt(decimals), decimals);
}
