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

/** Null also where the browser keeps nothing for anybody. */
function kept(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

/** What was chosen on this machine, else the first of the browser's that there is. */
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

/** A name may run the other way than the sentence that it stands in. */
const isolate = (text: string): string => (/\p{L}/u.test(text) ? `\u2068${text}\u2069` : text);

/** In French a space stands before these, at which no line may end. */
const firmly = (text: string): string =>
  language === 'fr' ? text.replaceAll(/ (?=[:;?!%»])|(?<=«) /g, '\u00a0') : text;

/** A sentence in the language chosen. Numbers are written as it writes them, names keep their direction. */
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

/** What may stand within a sentence, as one. */
export const asSentence = (text: string): string =>
  text === '' ? '' : `${text.charAt(0).toLocaleUpperCase(language)}${text.slice(1)}.`;

/** A word for what the server names; where there is none, its name. */
export const word = (key: string, otherwise: string): string => (key in messages ? t(key as MessageKey) : otherwise);

/** To make one costs more than to use it a hundred times. */
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

/** With its unit, by the short name that the language has for it. */
export const unitText = (value: number, unit: 'megabyte' | 'millisecond', digits = 0): string =>
  new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);

/** With so many decimals at most, and none that says nothing. */
export const upTo = (value: number, digits: number): string =>
  number(value, Number.isInteger(value) ? 0 : Math.min(digits, decimalsOf(value)));

const decimalsOf = (value: number): number => /\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0;

/** A number that may be unknown: a dash, never 0. */
export const orDash = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined ? '–' : number(value, digits);

/** YYYY-MM-DD as the language writes a day; with its year, unless that is this one. */
export const dayText = (day: string): string => shortFormat(day).format(new Date(day));
export const longDay = (day: string): string =>
  dayFormat({ day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(day));

/** Days in a row. */
export const dayRangeText = (from: string, to: string): string =>
  shortFormat(from, to).formatRange(new Date(from), new Date(to));

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

/** The day's name, 0 for Monday. */
export const weekdayText = (index: number, width: 'short' | 'long'): string =>
  dayFormat({ weekday: width }).format(new Date(Date.UTC(2024, 0, 1 + index)));

/** By whose clock times are shown: the browser's, until the institution's is known. */
let timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

export const currentTimeZone = (): string => timeZone;

/** Days begin by the institution's clock, so times are shown by it, too; a zone that the browser does not know stays unused. */
export function useTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    timeZone = name;
  } catch {}
}

const instantFormat = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(language, { ...options, timeZone });

/** The time of day; with its date, unless that is today. */
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

/** By the clock that times are shown by. */
const isThisYear = (day: string): boolean =>
  day.startsWith(new Intl.DateTimeFormat('en', { year: 'numeric', timeZone }).format(new Date()));

const dayFormat = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
