/** Set by the script of swagger-ui-dist: draws a description of an API into an element. */
declare function SwaggerUIBundle(options: Readonly<Record<string, unknown>>): unknown;
