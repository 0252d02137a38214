import { afterAll, beforeAll, describe } from 'vitest';
import { DEADLINE_MS, WebCampus } from './campus.ts';
import { printTests } from './print-suite.ts';
import { hasBrowser } from './support.ts';
import { tasksTests } from './tasks-suite.ts';
import { whatIfTests } from './what-if-suite.ts';
import { whyTests } from './why-suite.ts';

describe.skipIf(!hasBrowser)('on a campus that came through the pipeline', () => {
  let campus: WebCampus;
  beforeAll(async () => {
    campus = await WebCampus.open('web_campus');
  }, DEADLINE_MS);
  afterAll(() => campus.close());

  describe('every number says why it is what it is', () => whyTests(() => campus));
  describe('what a teacher wants to know is three clicks away at most', () => tasksTests(() => campus));
  describe('what other settings would make of the list', () => whatIfTests(() => campus));
  describe('a printed page', () => printTests(() => campus));
});
