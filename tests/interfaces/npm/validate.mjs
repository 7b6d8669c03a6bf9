// Parses the AsyncAPI document that is named, and writes what the parser has to say of it, a JSON list.
import { Parser } from '@asyncapi/parser';
import fs from 'node:fs';

const { document, diagnostics } = await new Parser().parse(fs.readFileSync(process.argv[2], 'utf8'));
const severities = ['error', 'warning', 'information', 'hint'];
const said = diagnostics.map((one) => ({
  severity: severities[one.severity], code: String(one.code), path: one.path.join('/'), message: one.message,
}));
console.log(JSON.stringify({ parsed: document !== undefined, said }));
