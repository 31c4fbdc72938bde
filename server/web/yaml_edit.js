// Changes a value of a job file and leaves the rest of the text as it is. The server alone parses YAML: this knows
// just "key: value" lines, groups that are indented below their key, and groups in braces on one line.

const escaped = (key) => key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A value as YAML: JSON is YAML, and plain words need no quotes. */
export function yamlValue(value) {
  if (typeof value === 'string' && /^[A-Za-z/][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value)) return value;
  return JSON.stringify(value).replace(/,/g, ', ');
}

// Splits the inside of braces at commas that lie in no quotes and brackets.
function pieces(inside) {
  const found = [];
  let depth = 0, quote = '', piece = '';
  for (const c of inside) {
    if (quote) { if (c === quote) quote = ''; } else if (c === '"' || c === "'") quote = c;
    else if (c === '{' || c === '[') depth += 1;
    else if (c === '}' || c === ']') depth -= 1;
    if (c === ',' && depth === 0 && !quote) { found.push(piece.trim()); piece = ''; } else piece += c;
  }
  if (piece.trim()) found.push(piece.trim());
  return found;
}

function setInBraces(inside, key, text) {
  const all = pieces(inside);
  const at = all.findIndex((piece) => new RegExp(`^${escaped(key)}\\s*:`).test(piece));
  if (text === null) { if (at >= 0) all.splice(at, 1); } else if (at >= 0) all[at] = `${key}: ${text}`;
  else all.push(`${key}: ${text}`);
  return all.join(', ');
}

// The end of the lines that are indented below line `start`.
function endOfBlock(lines, start) {
  let end = start + 1;
  while (end < lines.length && /^(\s+\S|\s*$|- )/.test(lines[end])) end += 1;
  while (end > start + 1 && lines[end - 1].trim() === '') end -= 1;
  return end;
}

/** Sets "epochs" or "optimizer.type"; undefined takes the key away. */
export function setKey(text, path, value) {
  const [key, child] = path.split('.');
  const lines = text.replace(/\n$/, '').split('\n');
  if (lines.length === 1 && lines[0] === '') lines.pop();
  const start = lines.findIndex((line) => new RegExp(`^${escaped(key)}\\s*:`).test(line));
  const printed = value === undefined ? null : yamlValue(value);
  const end = start < 0 ? -1 : endOfBlock(lines, start);
  if (!child) {
    if (start >= 0) lines.splice(start, end - start, ...(printed === null ? [] : [`${key}: ${printed}`]));
    else if (printed !== null) lines.push(`${key}: ${printed}`);
  } else if (start < 0) {
    if (printed !== null) lines.push(`${key}: {${child}: ${printed}}`);
  } else {
    const braces = lines[start].match(/^([^:]+:\s*)\{(.*)\}(\s*(#.*)?)$/);
    if (braces) {
      const inside = setInBraces(braces[2], child, printed);
      if (inside) lines[start] = `${braces[1]}{${inside}}${braces[3]}`;
      else lines.splice(start, 1);
    } else {
      const at = lines.findIndex((line, i) => i > start && i < end && new RegExp(`^\\s+${escaped(child)}\\s*:`).test(line));
      const indent = (lines.slice(start + 1, end).find((line) => line.trim())?.match(/^\s*/) ?? ['  '])[0];
      if (at >= 0) lines.splice(at, 1, ...(printed === null ? [] : [`${indent}${child}: ${printed}`]));
      else if (printed !== null) lines.splice(end, 0, `${indent}${child}: ${printed}`);
      if (printed === null && endOfBlock(lines, start) === start + 1) lines.splice(start, 1);
    }
  }
  return lines.length ? `${lines.join('\n')}\n` : '';
}
