import { openStatements } from '../statements.ts';

/** Statements on the schema, its settings and its views. */
export const { sql: schemaSql } = openStatements(
  import.meta.url,
  ['schema_holders', 'schema_maker', 'settings_adopt', 'views_dependents', 'views_grants', 'zone_transitions'],
  {
    settings_read: 'SELECT fingerprint, described FROM state.settings',
    views_note: 'INSERT INTO state.schema_view (name, sha256) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    views_texts: 'SELECT name, sha256, id = max(id) OVER (PARTITION BY name) AS in_place FROM state.schema_view',
  },
);
