import { writeFileSync } from 'node:fs';
import { reportJsonSchema } from './schema.ts';

/** Writes loadtest/report.schema.json, which a test holds against the schema in schema.ts. */
const file = new URL('../../../loadtest/report.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(reportJsonSchema(), undefined, 2)}\n`);
