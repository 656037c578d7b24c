/** The colours of the chart, read from the theme: a canvas knows no CSS variables. */

export interface IPalette {
  text: string;
  muted: string;
  grid: string;
  background: string;
  up: string;
  down: string;
  downFill: string;
  strategy: string;
  benchmark: string;
  error: string;
  warning: string;
  series: string[];
  font: string;
}

/** How many colours indicators and recorded series take turns in. */
const SERIES = 6;

/** Resolve the theme's colours where `node` stands in the page. */
export function readPalette(node: HTMLElement): IPalette {
  const probe = document.createElement('span');
  probe.style.display = 'none';
  node.appendChild(probe);
  const color = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const palette: IPalette = {
    text: color('--jp-ui-font-color1'),
    muted: color('--alphintra-muted'),
    grid: color('--alphintra-grid'),
    background: color('--jp-layout-color1'),
    up: color('--alphintra-up'),
    down: color('--alphintra-down'),
    downFill: color('--alphintra-down-fill'),
    strategy: color('--alphintra-strategy'),
    benchmark: color('--alphintra-muted'),
    error: color('--alphintra-red'),
    warning: color('--alphintra-amber'),
    series: Array.from({ length: SERIES }, (_, i) =>
      color(`--alphintra-series-${i + 1}`)
    ),
    font: getComputedStyle(node).fontFamily
  };
  probe.remove();
  return palette;
}
