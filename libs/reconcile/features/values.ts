import type { FeatureType } from '#libs/features/units.ts';

/**
 * A value of a feature column as text by which two of them are the same exactly if Postgres holds them for the same,
 * whether it was computed or read: decimals without the zeros at their end, documents with their members in order,
 * times to the millisecond, in which they are computed.
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

/** The elements of an array of numbers as Postgres writes it. */
export const arrayElements = (text: string): readonly string[] => {
  const inside = text.slice(1, -1);
  return inside === '' ? [] : inside.split(',');
};
