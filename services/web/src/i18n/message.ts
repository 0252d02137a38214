/** A sentence with `{places}`; or one per plural form of the place `n`. */
export type Message = string | (Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string });
