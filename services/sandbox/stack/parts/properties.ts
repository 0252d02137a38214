/** A Java properties file; values are ours and hold no backslash or line break. */
export const properties = (values: Readonly<Record<string, string | number | boolean>>): string =>
  `${Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
