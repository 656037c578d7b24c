/** The line of figures over each pane of the chart: the values at the crosshair. */

export interface ILegendItem {
  label: string;
  value: string;
  color?: string;
  strong?: boolean;
}

/** One legend, laid over a pane at its top. */
export class Legend {
  constructor(host: HTMLElement) {
    this.node = document.createElement('div');
    this.node.className = 'alphintra-Legend';
    this.node.setAttribute('aria-hidden', 'true');
    host.appendChild(this.node);
  }

  readonly node: HTMLDivElement;

  moveTo(top: number): void {
    this.node.style.top = `${Math.round(top) + 4}px`;
  }

  show(items: ILegendItem[]): void {
    this.node.replaceChildren(
      ...items.map(item => {
        const part = document.createElement('span');
        if (item.color) {
          const swatch = document.createElement('i');
          swatch.style.backgroundColor = item.color;
          part.appendChild(swatch);
        }
        if (item.label) {
          part.append(item.label);
        }
        if (item.value) {
          const value = document.createElement(item.strong ? 'strong' : 'b');
          value.textContent = item.value;
          part.append(item.label ? ' ' : '', value);
        }
        return part;
      })
    );
  }
}
