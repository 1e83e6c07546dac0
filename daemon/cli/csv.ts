/** Comma-separated values (RFC 4180): a heading, a record a line, lines that end in CR LF. */

export function csv(headings: readonly string[], records: readonly (readonly string[])[]): string {
  return [headings, ...records].map((fields) => `${fields.map(quoted).join(',')}\r\n`).join('');
}

function quoted(field: string): string {
  return /[",\r\n]/u.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
