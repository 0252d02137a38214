import { runStackProgram } from './command.ts';
import { WHOLE_STACK } from './makeup.ts';

await runStackProgram(WHOLE_STACK);
