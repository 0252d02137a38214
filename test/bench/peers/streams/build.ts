import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMaven } from '../../../../services/sandbox/stack/parts/maven.ts';

/** Where the built job is kept, beside the parts of the stack. */
const OUT = path.resolve(import.meta.dirname, '../../../../.stack/peers');

/**
 * Builds the job, fetching what it needs the first time.
 * @returns its class path
 * @throws ConfigurationError without Maven; UnrecoverableError with Maven's output if the build fails
 */
export async function buildStreams(): Promise<string> {
  await runMaven(OUT, () => {}, {
    pom: fileURLToPath(new URL('./pom.xml', import.meta.url)),
    phase: 'compile',
    out: 'peers.out',
    doing: 'build the Kafka Streams job of the benchmark',
    remedy: 'install Maven 3.8 or newer and a JDK 17 or newer (Debian: apt-get install maven openjdk-17-jdk-headless)',
  });
  return [path.join(OUT, 'classes'), path.join(OUT, 'libs', '*')].join(path.delimiter);
}
