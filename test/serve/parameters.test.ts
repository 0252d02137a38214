import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { InvalidRequestError } from '#libs/serve/errors.ts';
import {
  entityId,
  noParameters,
  pageParameters,
  readFields,
  readParameters,
  wholeNumber,
} from '#libs/serve/parameters.ts';

const schema = z.strictObject({ id: entityId, days: wholeNumber(7, 90).default(30) });

test('numbers are read, defaults filled in', () => {
  expect(readParameters(schema, { id: '12' })).toEqual({ id: '12', days: 30 });
  expect(readParameters(schema, { id: '12', days: '07' })).toEqual({ id: '12', days: 7 });
  expect(readParameters(z.strictObject(pageParameters), {})).toEqual({ limit: 100 });
});

test('every wrong field is named at once', () => {
  const reading = () => readParameters(schema, { days: '91' });
  expect(reading).toThrow(InvalidRequestError);
  expect(reading).toThrow(
    'id is missing: an integer or a UUID is expected; days is "91": a whole number from 7 to 90 is expected',
  );
});

// Node 26 can write such a value, older ones cannot.
test('however deep a body is, what is wrong with it is named', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(30_000)}${']'.repeat(30_000)}`);
  expect(() => readFields(schema, deep)).toThrow(
    /^the body is (a list that is nested too deeply to be shown|\[+…): a JSON object/,
  );
  expect(() => readFields(schema, { id: { in: deep } })).toThrow(
    /^id is (an object that is nested too deeply to be shown|\{"in":\[+…): an integer/,
  );
  expect(() => readFields(schema, { id: ['1'] })).toThrow('id is ["1"]: an integer or a UUID is expected');
});

test('a whole number is its digits and nothing else', () => {
  const number = z.strictObject({ n: wholeNumber(0, 1_000_000) });
  fc.assert(
    fc.property(fc.nat(1_000_000), (n) => {
      expect(readParameters(number, { n: String(n) })).toEqual({ n });
    }),
  );
  for (const n of ['', ' 1', '1 ', '+1', '-0', '1.0', '1e3', '0x1', '١', 'NaN', 'null', '99999999999'])
    expect(() => readParameters(number, { n }), n).toThrow(InvalidRequestError);
});

test('whatever stands in a URL is read or refused, never an error of another kind', () => {
  const values = fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(undefined));
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(fc.constantFrom('id', 'days'), fc.string()), values), (raw) => {
      for (const each of [schema, noParameters]) {
        try {
          readParameters(each, raw);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRequestError);
        }
      }
    }),
  );
});
