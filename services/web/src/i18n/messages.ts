import type { EN } from './en.ts';

export type MessageKey = keyof typeof EN;
/** A sentence with `{places}`; or one per plural form of the place `n`. */
export type Message = string | (Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string });
export type Messages = Readonly<Record<MessageKey, Message>>;
