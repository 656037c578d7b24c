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

const job = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M2 3h12v2.500H2zM2 6.750h8v2.500H2zM2 10.500h5v2.500H2z"/>
  </g>
</svg>`;

const shield = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path fill-rule="evenodd" d="M8 1l5.500 2v4.500c0 3.400-2.300 6.200-5.500 7.500-3.200-1.300-5.500-4.100-5.500-7.500V3zM8 2.500L3.900 4v3.500c0 2.600 1.700 4.800 4.100 5.900z"/>
  </g>
</svg>`;

const cylinder = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M8 1.500c3.300 0 5.500 1 5.500 2.300S11.300 6.100 8 6.100 2.500 5.100 2.500 3.800 4.700 1.500 8 1.500zM2.500 5.700C3.600 6.700 5.600 7.300 8 7.300s4.400-.6 5.500-1.600v2.200c0 1.300-2.200 2.300-5.500 2.300s-5.500-1-5.500-2.300zM2.500 9.800c1.100 1 3.100 1.600 5.500 1.600s4.400-.6 5.500-1.600V12c0 1.400-2.200 2.500-5.500 2.500S2.500 13.400 2.500 12z"/>
  </g>
</svg>`;

export const markIcon = new LabIcon({ name: 'alphintra:mark', svgstr: mark });

export const templatesIcon = new LabIcon({
  name: 'alphintra:templates',
  svgstr: template
});

/** Bars of different lengths: work that has come to different points. */
export const jobIcon = new LabIcon({ name: 'alphintra:job', svgstr: job });

/** A stack of discs, as data is drawn everywhere. */
export const datasetsIcon = new LabIcon({ name: 'alphintra:datasets', svgstr: cylinder });

/** A shield, half of it filled. */
export const shieldIcon = new LabIcon({ name: 'alphintra:shield', svgstr: shield });

/** In the manner of Lab's own icons of its debugger. */
const back = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M2 3h1.500v10H2zM14 3.500v9L5 8z"/>
  </g>
</svg>`;

const toDate = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M2 3.500v9L8.500 8zM11 2h1.500v1H14v11H9.500V9.500L11 8.500v4h1.500v-8H11z"/>
  </g>
</svg>`;

export const backIcon = new LabIcon({ name: 'alphintra:back', svgstr: back });
export const toDateIcon = new LabIcon({ name: 'alphintra:to-date', svgstr: toDate });
