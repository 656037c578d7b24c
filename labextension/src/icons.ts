/** The mark of Alphintra: two candles and the line through them. */

import { LabIcon } from '@jupyterlab/ui-components';

const mark = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M4 2h1v3h1.5v6H5v3H4v-3H2.5V5H4zM11 1h1v3h1.500v5H12v3h-1V9H9.500V4H11z"/>
  </g>
</svg>`;

const template = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M1.500 2h5v5h-5zM9.500 2h5v5h-5zM1.500 9h5v5h-5zM9.500 9h5v5h-5zM2.500 3v3h3V3zM10.500 3v3h3V3zM2.500 10v3h3v-3z" fill-rule="evenodd"/>
  </g>
</svg>`;

export const markIcon = new LabIcon({ name: 'alphintra:mark', svgstr: mark });

export const templatesIcon = new LabIcon({
  name: 'alphintra:templates',
  svgstr: template
});
