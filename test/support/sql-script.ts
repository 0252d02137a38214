/** The statements of a file as psql would send them, without comments; text between $$ is not split. */
export const statementsOf = (script: string): string[] =>
  script
    .replaceAll(/^\s*--.*$/gm, '')
    .split('$$')
    // Every second part is between two $$.
    .map((part, index) => (index % 2 === 1 ? part.replaceAll(';', '\0') : part))
    .join('$$')
    .split(';')
    .map((statement) => statement.replaceAll('\0', ';').trim())
    .filter((statement) => statement !== '');
