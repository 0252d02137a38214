import { readFileSync } from 'node:fs';

/** A text file that somebody wrote, without the byte order mark that editors on Windows put first. */
export const readTextFile = (file: string): string => readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
