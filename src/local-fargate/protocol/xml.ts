const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * Members as elements: records nest, lists repeat `<itemName>` inside their element, undefined is left out. Names are
 * ours and need no escaping.
 */
export function toXml(members: Readonly<Record<string, unknown>>, itemName: string): string {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${valueToXml(value, itemName)}</${name}>`)
    .join('');
}

function valueToXml(value: unknown, itemName: string): string {
  if (Array.isArray(value)) {
    return value.map((item) => `<${itemName}>${valueToXml(item, itemName)}</${itemName}>`).join('');
  }
  if (typeof value === 'object' && value !== null) return toXml(value as Readonly<Record<string, unknown>>, itemName);
  return escapeXml(String(value));
}
