/** The mark of the Variables panel: a value in braces. */

import { LabIcon } from '@jupyterlab/ui-components';

const braces = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path d="M5.500 2v1.500H5c-.6 0-.8.300-.8.900V6c0 1-.4 1.700-1.100 2 .7.300 1.100 1 1.100 2v1.600c0 .6.200.9.800.9h.5V14H4.700C3.400 14 2.700 13.200 2.700 11.900V10c0-.7-.3-1.200-1.200-1.200V7.200c.9 0 1.200-.5 1.200-1.200V4.100C2.700 2.800 3.400 2 4.700 2zM10.500 2h.8c1.300 0 2 .8 2 2.100V6c0 .7.300 1.200 1.200 1.200v1.600c-.9 0-1.200.5-1.200 1.200v1.900c0 1.300-.7 2.100-2 2.100h-.8v-1.500h.5c.6 0 .8-.3.8-.9V10c0-1 .4-1.700 1.100-2-.7-.3-1.100-1-1.100-2V4.400c0-.6-.2-.9-.8-.9h-.5zM7.250 5.500h1.500V7.250h1.750v1.500H8.750v1.750h-1.500V8.750H5.500v-1.500h1.750z"/>
  </g>
</svg>`;

export const variablesIcon = new LabIcon({ name: 'alphintra:variables', svgstr: braces });
