import { expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { avroText } from '#libs/features/avro.ts';

test.each(FAMILIES)(
  'schemas/avro/%s.avsc is what the declarations say; npx vitest run test/features -u writes it',
  async (family) => {
    await expect(avroText(family)).toMatchFileSnapshot(`../../schemas/avro/${family}.avsc`);
  },
);
