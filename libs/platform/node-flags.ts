/**
 * What Node is started with, for programs that derive or compare rows by the thousand. V8 takes it at its start and not
 * later. In the 16 MB of Node 20 the rows of a batch outlive several collections, and each of these copies them.
 */
export const NODE_FLAGS = ['--max-semi-space-size=32'] as const;

const FLAGGED = ['sandbox/local', 'engagement', 'performance', 'anomaly', 'reconcile', 'dataset'].map(
  (folder) => `services/${folder}/main.ts`,
);

/**
 * The flags for a program, for whoever starts it. The scripts of package.json and the Dockerfile cannot ask: a test holds
 * them to this.
 * @param program its file, from the root of the project
 */
export const nodeFlagsOf = (program: string): readonly string[] => (FLAGGED.includes(program) ? NODE_FLAGS : []);
