/** Elements in one expression. Text becomes text nodes, so nothing in it is taken for HTML. */

type Child = Node | string | null | undefined | false;

type Attributes = Record<string, string | number | boolean | null | undefined>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
  node.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A drawing of one path. */
export function drawing(
  attributes: Attributes,
  path: string
): SVGSVGElement {
  const node = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, String(value));
  }
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path);
  node.append(line);
  return node;
}
