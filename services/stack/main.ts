import { runProgram } from '#libs/platform/program.ts';
import { runStack } from './command.ts';
import { WHOLE_STACK } from './makeup.ts';

await runProgram('stack', () => runStack(WHOLE_STACK));
