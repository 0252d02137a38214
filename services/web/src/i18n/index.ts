import type { MessageKey, Messages } from './messages.ts';

export const LANGUAGES = { en: 'English', fr: 'Français', ar: 'العربية' } as const;
export type Language = keyof typeof LANGUAGES;

const LOAD: Readonly<Record<Language, () => Promise<Messages>>> = {
  en: async () => (await import('./en.ts')).EN,
  fr: async () => (await import('./fr.ts')).FR,
  ar: async () => (await import('./ar.ts')).AR,
};

const KEPT_AS = 'prepadata.language';
let language: Language = 'en';
let messages: Messages;

export const currentLanguage = (): Language => language;

const isLanguage = (text: string): text is Language => text in LANGUAGES;

/** Null also if the browser allows no storage. */
function kept(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

/** The language chosen on this machine, otherwise the first of the browser's languages that we have. */
export function preferredLanguage(): Language {
  const wanted = [kept() ?? '', ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wanted.find(isLanguage) ?? 'en';
}

export async function useMessagesOf(chosen: Language): Promise<void> {
  messages = await LOAD[chosen]();
  language = chosen;
  document.documentElement.lang = chosen;
  document.documentElement.dir = chosen === 'ar' ? 'rtl' : 'ltr';
}

export async function chooseLanguage(chosen: Language): Promise<void> {
  await useMessagesOf(chosen);
  try {
    localStorage.setItem(KEPT_AS, chosen);
  } catch {}
}

/** A name may have another writing direction than its sentence. */
const isolate = (text: string): string => (/\p{L}/u.test(text) ? `\u2068${text}\u2069` : text);

/** French puts a space before these, and no line may break there. */
const firmly = (text: string): string =>
  language === 'fr' ? text.replaceAll(/ (?=[:;?!%»])|(?<=«) /g, '\u00a0') : text;

/** A sentence in the chosen language. Numbers have its format, names keep their direction. */
export function t(key: MessageKey, places: Readonly<Record<string, string | number>> = {}): string {
  const message = messages[key];
  const n = places['n'];
  const text =
    typeof message === 'string'
      ? message
      : ((typeof n === 'number' ? message[new Intl.PluralRules(language).select(n)] : undefined) ?? message.other);
  return firmly(text).replaceAll(/\{(\w+)\}/g, (place, name: string) => {
    const value = places[name];
    if (value === undefined) return place;
    return typeof value === 'number' ? number(value) : isolate(value);
  });
}

/** Makes a part of a sentence a sentence of its own. */
export const asSentence = (text: string): string =>
  text === '' ? '' : `${text.charAt(0).toLocaleUpperCase(language)}${text.slice(1)}.`;

/** The word for a name from the server; the given text if there is none. */
export const word = (key: string, otherwise: string): string => (key in messages ? t(key as MessageKey) : otherwise);

/** Creating one costs more than a hundred uses. */
const numberFormats = new Map<string, Intl.NumberFormat>();

export function number(value: number, digits = 0): string {
  const name = `${language} ${digits}`;
  const options = { maximumFractionDigits: digits, minimumFractionDigits: digits };
  const format = numberFormats.get(name) ?? new Intl.NumberFormat(language, options);
  numberFormats.set(name, format);
  return format.format(value);
}

/** A share of 1 in percent. */
export const percentText = (share: number): string =>
  new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(share);

/** A value with its unit, in the language's short form. */
export const unitText = (value: number, unit: 'megabyte' | 'millisecond', digits = 0): string =>
  new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);

/** With at most `digits` decimals, and no trailing zeros. */
export const upTo = (value: number, digits: number): string =>
  number(value, Number.isInteger(value) ? 0 : Math.min(digits, decimalsOf(value)));

const decimalsOf = (value: number): number => /\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0;

/** A number that may be unknown: then a dash, never 0. */
export const orDash = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined ? '–' : number(value, digits);

/** YYYY-MM-DD in the language's format; with the year, unless it is the present one. */
export const dayText = (day: string): string => shortFormat(day).format(new Date(day));
export const longDay = (day: string): string =>
  dayFormat({ day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(day));

/** A range of days. */
export const dayRangeText = (from: string, to: string): string =>
  shortFormat(from, to).formatRange(new Date(from), new Date(to));

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

/** The day's name, 0 for Monday. */
export const weekdayText = (index: number, width: 'short' | 'long'): string =>
  dayFormat({ weekday: width }).format(new Date(Date.UTC(2024, 0, 1 + index)));

/** The zone in which times are shown: the browser's, until the institution's is known. */
let timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

export const currentTimeZone = (): string => timeZone;

/** Days begin at the institution's midnight, so times are shown in its zone, too; a zone unknown to the browser is ignored. */
export function useTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    timeZone = name;
  } catch {}
}

const instantFormat = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(language, { ...options, timeZone });

/** The time of day; with the date, unless it is today. */
export function timeText(instant: string | number): string {
  const dayOf = (at: Date): string => instantFormat({ dateStyle: 'short' }).format(at);
  const at = new Date(instant);
  if (dayOf(at) === dayOf(new Date())) return instantFormat({ timeStyle: 'medium' }).format(at);
  return instantFormat({ dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

export const instantText = (instant: string): string =>
  instantFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant));

export const listText = (items: readonly string[]): string =>
  new Intl.ListFormat(language, { type: 'conjunction' }).format(items.map(isolate));

const shortFormat = (...days: readonly string[]): Intl.DateTimeFormat =>
  dayFormat({ day: 'numeric', month: 'short', ...(days.every(isThisYear) ? {} : { year: 'numeric' }) });

/** In the zone in which times are shown. */
const isThisYear = (day: string): boolean =>
  day.startsWith(new Intl.DateTimeFormat('en', { year: 'numeric', timeZone }).format(new Date()));

const dayFormat = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
