import type { EN } from './en.ts';
import type { Message } from './message.ts';

/** The name of a sentence. */
export type MessageKey = keyof typeof EN;
export type Messages = Readonly<Record<MessageKey, Message>>;
