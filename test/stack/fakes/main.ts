import { runStackProgram } from '../../../services/sandbox/stack/command.ts';
import type { MemberName } from '../../../services/sandbox/stack/programs.ts';
import { programSpec } from '../../../services/sandbox/stack/specs.ts';

/* `npm run stack` without servers: FAKES is a list of name:needs:what, with needs separated by +; notes go to the file NOTES. */
const notes = process.env['NOTES'] ?? '';
const fakes = (process.env['FAKES'] ?? '').split(',').map((text) => {
  const [name = '', needs = '', what = ''] = text.split(':');
  return { name: name as MemberName, needs: needs.split('+').filter((need) => need !== '') as MemberName[], what };
});

await runStackProgram({
  prepare: async () => {},
  specs: (_, folder, addresses) =>
    fakes.map(({ name, needs, what }) =>
      programSpec(
        {
          name,
          needs,
          args: ['test/stack/fakes/child.ts', name, notes, what],
          ...(what === 'once' ? { once: true as const } : {}),
          env: (at) => ({ API_PORT: String(at.apiPort) }),
        },
        folder,
        addresses,
      ),
    ),
});
