/** A replay as it is seen: what it is, what it can do, chart and log, and the column of what the strategy knows. */

import { duration, fixed, memory } from '../result/format.js';
import { ReplayChart } from './chart.js';
import { Controls } from './controls.js';
import { h } from './dom.js';
import { Command, commandOf } from './keys.js';
import { LogTable, timeText } from './log.js';
import type { IFacts, IProblem, IRaised } from './payload.js';
import type { Session } from './session.js';
import { Side } from './side.js';
import type { Change } from './store.js';
import { Track } from './track.js';

/** How long the kernel may take before it is said that it does, in milliseconds. */
const PATIENCE = 700;
/** How long a stop may take before it is said that nothing stops the kernel, in milliseconds. */
const STUCK = 4000;
/** Rest after a movement until what the notebook keeps is brought up to date, in milliseconds. */
const REST = 1500;

const FIELDS = 'input, select, textarea';

export class ReplayView {
  constructor(
    el: HTMLElement,
    private readonly _session: Session,
    signal: AbortSignal
  ) {
    const goTo = (when: number | string): void => this._session.ask({ action: 'to', when });
    this._controls = new Controls({
      run: command => this._run(command),
      until: what => this._session.ask({ action: 'until', what }),
      goTo: date => {
        goTo(date);
        this.node.focus();
      },
      changeRate: rate => {
        if (this._session.status.play) {
          this._session.play(rate);
        }
      }
    });
    this._track = new Track(goTo);
    this._log = new LogTable(goTo);
    this._side = new Side();
    this._host = h('div', { class: 'alphintra-Replay-chart', role: 'img' });
    this._compare = this._action('Compare with the run', 'compare');
    this._debug = this._action('Debug at this bar', 'debug');
    this._symbols.addEventListener('change', () =>
      this._session.ask({ action: 'symbol', symbol: this._symbols.value })
    );
    this._stop = h('button', { type: 'button', class: 'alphintra-Button' }, 'Stop');
    this._stop.addEventListener('click', () => this._session.ask({ action: 'stop' }));
    this.node = h(
      'article',
      {
        class: 'alphintra-Replay',
        tabindex: 0,
        // Lab takes no key that is pressed in here.
        'data-lm-suppress-shortcuts': 'true'
      },
      h(
        'header',
        { class: 'alphintra-Replay-header' },
        this._title,
        this._symbol,
        this._symbols,
        this._place,
        this._branch,
        h('span', { class: 'alphintra-Replay-actions' }, this._compare, this._debug)
      ),
      this._controls.node,
      this._track.node,
      this._notices,
      this._problem,
      h(
        'div',
        { class: 'alphintra-Replay-body' },
        h(
          'div',
          { class: 'alphintra-Replay-main' },
          h(
            'div',
            { class: 'alphintra-Replay-stage' },
            this._host,
            h(
              'div',
              { class: 'alphintra-Replay-busy', hidden: true },
              this._busy,
              this._stop
            )
          ),
          this._log.node
        ),
        this._side.node
      ),
      this._costs,
      this._comparison,
      this._spoken
    );
    el.append(this.node);
    this._chart = new ReplayChart(this._host, _session.store.scene);
    this.node.addEventListener('keydown', this._onKey);
    this.node.addEventListener('pointerdown', this._onPointer);
    _session.store.listen(change => this._onChange(change), signal);
    _session.listen(() => this._showStatus(), signal);
    _session.listenToAnswers(answer => {
      if (answer.kind === 'still') {
        // For who keeps the notebook: see the plugin of the extension.
        this.node.dispatchEvent(
          new CustomEvent('alphintra-replay-still', { bubbles: true, detail: answer.html })
        );
      } else {
        this._showComparison(answer.html);
      }
    }, signal);
    const theme = new MutationObserver(() => this._chart.recolor());
    theme.observe(document.body, {
      attributes: true,
      attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name', 'data-alphintra-colors', 'class']
    });
    const clock = window.setInterval(() => this._showStatus(), PATIENCE / 2);
    signal.addEventListener('abort', () => {
      theme.disconnect();
      window.clearInterval(clock);
      window.clearTimeout(this._rest);
      this._chart.dispose();
      this.node.remove();
    });
    this._showFacts();
    this._showStatus();
  }

  readonly node: HTMLElement;

  private _run(command: Command): void {
    const { status } = this._session;
    if (status.busy !== null || !this._session.live) {
      return;
    }
    switch (command) {
      case 'back':
      case 'step':
        this._session.ask({ action: command, bars: 1 });
        break;
      case 'play':
        if (status.play) {
          this._session.ask({ action: 'pause' });
        } else {
          this._session.play(this._controls.rate);
        }
        break;
      case 'date':
        this._controls.showDate();
        break;
      default:
        this._session.ask({ action: 'until', what: command });
    }
  }

  private _action(label: string, action: 'compare' | 'debug'): HTMLButtonElement {
    const button = h('button', { type: 'button', class: 'alphintra-Button', hidden: true }, label);
    button.addEventListener('click', () => this._session.ask({ action }));
    return button;
  }

  private readonly _onKey = (event: KeyboardEvent): void => {
    const field = (event.target as Element).matches(FIELDS);
    const button = (event.target as Element).matches('button') && event.key === ' ';
    const command = commandOf(event, field || button);
    if (command) {
      event.preventDefault();
      this._run(command);
    } else if (event.key === 'Escape' && field) {
      this.node.focus();
    }
    // Whatever it was, the notebook does not get it.
    event.stopPropagation();
  };

  private readonly _onPointer = (event: PointerEvent): void => {
    if (!(event.target as Element).closest(`button, ${FIELDS}, [role=slider]`)) {
      // After the notebook has taken the focus for its cell.
      requestAnimationFrame(() => this.node.focus({ preventScroll: true }));
    }
  };

  private _onChange(change: Change): void {
    this._chart.update(this._session.store.scene, change);
    this._showFacts();
    window.clearTimeout(this._rest);
    this._rest = window.setTimeout(() => {
      if (this._session.live && this._session.status.play === null) {
        this._session.ask({ action: 'still' });
      }
    }, REST);
  }

  private _showFacts(): void {
    const { facts } = this._session.store.scene;
    const time = timeText(facts.time, facts.intraday);
    this._title.textContent = `Replay \u00b7 ${facts.strategy}`;
    this._showSymbol(facts);
    this._place.replaceChildren(
      h('b', {}, time),
      facts.intraday ? ' UTC' : '',
      ` bar ${fixed(facts.bar + 1, 0)} of ${fixed(facts.count, 0)}`
    );
    this._costs.textContent =
      `The run took ${duration(facts.run_seconds)}. Copies of it to go back to take ` +
      `${memory(facts.snapshot_bytes)} of at most ${memory(facts.snapshot_limit)}.`;
    this._branch.hidden = facts.branch === null;
    this._branch.textContent =
      facts.branch === null
        ? ''
        : `branch: ${facts.branch.text} at ${timeText(facts.branch.time, facts.intraday)}`;
    this._compare.hidden = facts.branch === null;
    this._debug.hidden = !facts.can_debug;
    this.node.setAttribute('aria-label', `Replay of ${facts.strategy} on ${facts.symbol}`);
    this._host.setAttribute(
      'aria-label',
      `Candles of ${facts.symbol} up to ${time}; the tables beside and below hold what they show.`
    );
    this._track.show(facts, time);
    this._side.show(facts);
    this._log.show(facts);
    this._notices.replaceChildren(
      ...facts.notices.map(text => h('p', {}, text)),
      facts.error === null
        ? ''
        : h('p', { class: 'alphintra-Replay-raised' }, raisedText(facts.error, facts.intraday))
    );
    if (this._session.status.play === null) {
      this._spoken.textContent = `${time}, ${spokenOf(facts)}`;
    }
    this._showControls();
  }

  private _showSymbol({ symbol, symbols, dataset }: IFacts): void {
    const several = symbols.length > 1;
    this._symbol.hidden = several;
    this._symbols.hidden = !several;
    this._symbol.textContent = symbol;
    this._symbol.title = dataset;
    if (this._symbols.options.length !== symbols.length) {
      this._symbols.replaceChildren(...symbols.map(name => h('option', { value: name }, name)));
    }
    this._symbols.value = symbol;
  }

  private _showControls(): void {
    const { store, status, live } = this._session;
    this._controls.show(store.scene.facts, status, live);
    this._symbols.disabled = !live;
    for (const button of [this._compare, this._debug]) {
      button.disabled = !live || status.busy !== null;
    }
  }

  private _showStatus(): void {
    const { status, live, waitingSince } = this._session;
    this._showControls();
    const late = waitingSince !== null && performance.now() - waitingSince > PATIENCE;
    const text = status.busy
      ? `${status.busy.text} \u00b7 bar ${fixed(status.busy.bar + 1, 0)}`
      : late
        ? 'Waiting for the kernel'
        : '';
    const held = status.busy?.held === true;
    const stop = this._session.stoppingSince;
    const stuck = !held && stop !== null && performance.now() - stop > STUCK;
    this._busy.textContent = text;
    this._busy.parentElement!.hidden = text === '';
    this._stop.hidden = held;
    this._showProblem(
      live
        ? stuck
          ? {
              title: 'The kernel cannot be stopped',
              text: 'It is inside one call that never looks up, such as any(iter(int, 1)): no interrupt reaches it.',
              hint: 'Choose Restart Kernel in the Kernel menu, and run the cells again.'
            }
          : status.problem
        : {
            title: 'The kernel has ended',
            text: 'This is where the replay stood.',
            hint: 'Run the cell again to go on.'
          },
      live && !stuck
    );
  }

  private _showProblem(problem: IProblem | null, closable: boolean): void {
    const written = JSON.stringify(problem);
    if (written === this._problemShown) {
      return;
    }
    this._problemShown = written;
    this._problem.hidden = problem === null;
    if (problem === null) {
      return;
    }
    const close = h('button', { type: 'button', class: 'alphintra-Button' }, 'Close');
    close.addEventListener('click', () => this._session.ask({ action: 'dismiss' }));
    this._problem.replaceChildren(
      h(
        'div',
        {},
        h('strong', {}, problem.title),
        problem.text && h('p', {}, problem.text),
        problem.hint && h('p', { class: 'alphintra-Replay-hint' }, problem.hint)
      ),
      ...(closable ? [close] : [])
    );
  }

  private _showComparison(html: string): void {
    const close = h('button', { type: 'button', class: 'alphintra-Button' }, 'Close');
    close.addEventListener('click', () => this._comparison.replaceChildren());
    const body = h('div', { class: 'jp-RenderedHTMLCommon' });
    // Made and escaped by the kernel's own view of a comparison.
    body.innerHTML = html;
    this._comparison.replaceChildren(close, body);
  }

  private readonly _title = h('h2');
  private readonly _symbol = h('span', { class: 'alphintra-muted' });
  private readonly _symbols = h('select', {
    class: 'alphintra-Input',
    'aria-label': 'Symbol that is drawn',
    hidden: true
  });
  private readonly _place = h('span', { class: 'alphintra-Chip' });
  private readonly _branch = h('span', {
    class: 'alphintra-Chip alphintra-Replay-branch',
    hidden: true
  });
  private readonly _notices = h('div', { class: 'alphintra-Replay-notices' });
  private readonly _problem = h('div', {
    class: 'alphintra-Problem alphintra-Replay-problem',
    role: 'alert',
    hidden: true
  });
  private readonly _busy = h('span', { role: 'status' });
  private readonly _comparison = h('section', { class: 'alphintra-Replay-comparison' });
  private readonly _costs = h('footer', { class: 'alphintra-Replay-costs' });
  private readonly _spoken = h('span', {
    class: 'alphintra-visually-hidden',
    'aria-live': 'polite'
  });
  private readonly _controls: Controls;
  private readonly _track: Track;
  private readonly _log: LogTable;
  private readonly _side: Side;
  private readonly _chart: ReplayChart;
  private readonly _host: HTMLDivElement;
  private readonly _compare: HTMLButtonElement;
  private readonly _debug: HTMLButtonElement;
  private readonly _stop: HTMLButtonElement;
  private _problemShown = 'null';
  private _rest = 0;
}

/** What a screen reader is told of a bar. */
function spokenOf(facts: IFacts): string {
  const held = facts.positions
    .map(({ symbol, size }) => `${size} ${symbol}`)
    .join(', ');
  return `equity ${fixed(facts.account.equity, 0)}, ${held || 'flat'}`;
}

function raisedText({ text, line, time }: IRaised, intraday: boolean): string {
  const where = [`at ${timeText(time, intraday)}`, line === null ? '' : `line ${line}`];
  return `The strategy raised in its run, ${where.filter(Boolean).join(', ')}: ${text}`;
}
