import type { FeatureType } from '#libs/features/units.ts';

/**
 * A feature column's value as text, computed or read; two texts are equal exactly if Postgres considers the values equal.
 * Decimals are without trailing zeros, documents have their members in order, and times are to the millisecond, the
 * precision in which they are computed.
 */
export function canonical(value: unknown, type: FeatureType): string | null {
  if (value === null || value === undefined) return null;
  if (type === 'numeric') return plainDecimal(String(value));
  if (type === 'timestamptz') return instantText(value instanceof Date ? value.getTime() : Number(value));
  if (typeof value === 'object') return JSON.stringify(inOrder(value));
  return String(value);
}

function plainDecimal(text: string): string {
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return plain === '-0' ? '0' : plain;
}

const instantText = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString() : String(ms));

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]));
}

/** The elements of an array of numbers in Postgres's text form. */
export const arrayElements = (text: string): readonly string[] => {
  const inside = text.slice(1, -1);
  return inside === '' ? [] : inside.split(',');
};
