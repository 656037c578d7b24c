/** The theme where a node stands in the page, as figures and canvases need it: resolved colours. */

import type { Palette } from './payload.js';
import { ITheme, tokensOf } from './theme.js';

export function readTheme(node: HTMLElement, palette: Palette): ITheme {
  const probe = document.createElement('span');
  probe.style.display = 'none';
  node.appendChild(probe);
  const color = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  // Blue and orange are the palette's own; other colours of up and down are the trader's choice.
  const chosen = document.body.dataset.alphintraColors === 'green-red';
  const theme: ITheme = {
    tokens: tokensOf(
      palette,
      document.body.dataset.jpThemeLight !== 'false',
      chosen
        ? { up: color('--alphintra-up'), down: color('--alphintra-down') }
        : undefined
    ),
    background: color('--jp-layout-color1'),
    border: color('--jp-border-color1'),
    font: getComputedStyle(node).fontFamily
  };
  probe.remove();
  return theme;
}
