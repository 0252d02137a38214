import { readFileSync } from 'node:fs';

/** A text file that somebody wrote, without the mark of the byte order that editors of Windows put first. */
export const readTextFile = (file: string): string => readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
