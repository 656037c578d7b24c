/** The part of Plotly that figures need. */
declare module 'plotly.js-dist-min' {
  type Plain = Record<string, unknown>;

  const plotly: {
    react(
      node: HTMLElement,
      data: Plain[],
      layout: Plain,
      config?: Plain
    ): Promise<HTMLElement>;
    purge(node: HTMLElement): void;
    toImage(figure: Plain, options: Plain): Promise<string>;
  };
  export default plotly;
}
