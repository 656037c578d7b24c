/** The recipe of a dataset while it is written, tried and run. No DOM. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ISignal, Signal } from '@lumino/signaling';

import { ApiError, describe } from '../api/problem.js';
import type { IDraft } from '../datasets/drafts.js';
import type { IPreviewOutcome, IProcessBody, IProcessOutcome, IRecipePreview, RecipeStep } from '../api/recipes.js';
import { IFollowed, Outcome } from '../jobs/outcome.js';
import { Texts, fieldText, readStep, textsOf } from './draft.js';
import type { IRecipeSchema, IStepKind } from './schema.js';
import { stepKinds } from './schema.js';
import { fieldComplaintText, plain } from './words.js';

/** As many steps a recipe has at most. */
export const MOST_STEPS = 50;

/** What the model needs of the server. */
export interface IRecipeSource {
  recipeSchema(): Promise<IRecipeSchema>;
  previewRecipe(id: string, version: number, recipe: readonly RecipeStep[]): Promise<{ job_id: string }>;
  recipePreview(id: string, job: string): Promise<IPreviewOutcome>;
  processDataset(id: string, body: IProcessBody, key: string): Promise<{ job_id: string }>;
  processed(id: string, job: string): Promise<IProcessOutcome>;
}

export interface IStep {
  /** Names it while steps come, go and change their places. */
  key: number;
  kind: string;
  texts: Texts;
}

/** What is wrong, and where: of a step and its field, as far as that is known. */
export interface IComplaint {
  step: number | null;
  field: string | null;
  text: string;
}

/** Steps as they were kept; what is none of them is left out. */
function keptSteps(value: unknown): Omit<IStep, 'key'>[] {
  return (Array.isArray(value) ? (value as Partial<IStep>[]) : [])
    .slice(0, MOST_STEPS)
    .flatMap(step =>
      typeof step?.kind === 'string' && typeof step.texts === 'object' && step.texts !== null
        ? [{ kind: step.kind, texts: writtenTexts(step.texts) }]
        : []
    );
}

function writtenTexts(texts: Texts): Texts {
  const isWritten = (own: unknown): boolean => typeof own === 'string' || typeof own === 'boolean';
  return Object.fromEntries(Object.entries(texts).filter(([, own]) => isWritten(own)));
}

export class RecipeModel {
  constructor(
    private readonly _id: string,
    private readonly _source: IRecipeSource,
    jobs: IFollowed,
    private readonly _trans: TranslationBundle,
    private readonly _newKey: () => string,
    private readonly _draft: IDraft
  ) {
    this.preview = new Outcome(jobs, job => _source.recipePreview(_id, job));
    this.run = new Outcome(jobs, job => _source.processed(_id, job));
    this.preview.changed.connect(this._onPreview, this);
    this.run.changed.connect(this._onRun, this);
  }

  readonly preview: Outcome<IPreviewOutcome>;
  readonly run: Outcome<IProcessOutcome>;

  /** Emits after anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The steps that there are; `null` until they were read. */
  get kinds(): readonly IStepKind[] | null {
    return this._kinds;
  }

  /** Why they could not be read. */
  get error(): unknown {
    return this._error;
  }

  get steps(): readonly IStep[] {
    return this._steps;
  }

  get complaints(): readonly IComplaint[] {
    return this._complaints;
  }

  /** What is wrong with a step: with one of its fields, or with `null` with none of them. */
  complaintOf(step: number, field: string | null): string | null {
    return this._complaints.find(own => own.step === step && own.field === field)?.text ?? null;
  }

  kindOf(step: Pick<IStep, 'kind'>): IStepKind | undefined {
    return this._kinds?.find(own => own.kind === step.kind);
  }

  /** What was seen of the recipe as it is now; `null` where it was not tried, or has changed since. */
  get shownPreview(): IRecipePreview | null {
    const found = this.preview.answer?.preview ?? null;
    return found !== null && found.refused === null ? found : null;
  }

  /** Whether the recipe is another by now than the one that was tried. */
  get isPreviewOld(): boolean {
    return this._previewed !== JSON.stringify(this.json());
  }

  /** Read the steps that there are, and go on with the recipe that was being written. */
  async load(): Promise<void> {
    try {
      this._kinds = stepKinds(await this._source.recipeSchema());
      this._error = null;
      if (this._steps.length === 0) {
        const kept = keptSteps(this._draft.read()).filter(step => this.kindOf(step));
        this._steps = kept.map(step => ({ key: ++this._lastKey, ...step }));
      }
    } catch (error) {
      this._error = error;
    }
    this._changed.emit();
  }

  /** Add a step at the end; gives its key. */
  add(kind: string): number {
    const key = ++this._lastKey;
    this._set([...this._steps, { key, kind, texts: {} }]);
    return key;
  }

  remove(key: number): void {
    this._complaints = this._complaints.filter(own => own.step !== key);
    this._set(this._steps.filter(step => step.key !== key));
  }

  /** Bring a step up or down by one place. */
  move(key: number, by: -1 | 1): void {
    const at = this._steps.findIndex(step => step.key === key);
    const to = at + by;
    if (at >= 0 && to >= 0 && to < this._steps.length) {
      const next = [...this._steps];
      [next[at], next[to]] = [next[to]!, next[at]!];
      this._set(next);
    }
  }

  /** Write into a field; what was wrong with it, or with its step, is looked at again when it is sent. */
  write(key: number, field: string, text: string | boolean): void {
    this._complaints = this._complaints.filter(
      own => own.step !== null && (own.step !== key || (own.field !== null && own.field !== field))
    );
    this._set(
      this._steps.map(step => (step.key === key ? { ...step, texts: { ...step.texts, [field]: text } } : step))
    );
  }

  /** Begin with the steps of a recipe that there is. */
  take(steps: readonly RecipeStep[]): void {
    this._complaints = [];
    this._set(
      steps.flatMap(step => {
        const kind = this.kindOf({ kind: String(step.kind) });
        return kind ? [{ key: ++this._lastKey, kind: kind.kind, texts: textsOf(kind, step) }] : [];
      })
    );
  }

  /** The steps as the server is given them, as far as they can be read. */
  json(): RecipeStep[] {
    return this._steps.flatMap(step => {
      const kind = this.kindOf(step);
      return kind ? [readStep(kind, step.texts).step] : [];
    });
  }

  /** The columns that earlier steps name, before one of them. */
  columnsBefore(key: number): string[] {
    const before = this._steps.slice(0, this._steps.findIndex(step => step.key === key));
    return before.flatMap(step => {
      const kind = this.kindOf(step);
      const names = (kind?.parameters ?? []).filter(own => own.kind === 'column' && own.name === 'name');
      return names.map(own => String(fieldText(own, step.texts))).filter(Boolean);
    });
  }

  /** Whether what was asked for last was stopped. */
  get isStopped(): boolean {
    return [this.preview, this.run].some(own => own.answer?.status === 'CANCELLED');
  }

  /** Try it on some rows of a version. */
  async tryOut(version: number): Promise<void> {
    const steps = this._checked();
    if (steps !== null) {
      this._previewed = JSON.stringify(steps);
      this.run.clear();
      await this.preview.start(() => this._source.previewRecipe(this._id, version, steps));
    }
  }

  /** Make a version by it: of the same dataset, or of one of another name. */
  async process(version: number, dataset: string | null): Promise<void> {
    const steps = this._checked();
    if (steps !== null) {
      const body = { recipe: steps, version, ...(dataset === null ? {} : { dataset }) };
      const { error } = this.run;
      const isLost = error instanceof ApiError && error.unreachable;
      const text = JSON.stringify(body);
      if (!isLost || this._lastRun?.text !== text) {
        this._lastRun = { text, key: this._newKey() };
      }
      const { key } = this._lastRun;
      if (this.preview.answer?.status === 'CANCELLED') {
        this.preview.clear();
      }
      await this.run.start(() => this._source.processDataset(this._id, body, key));
    }
  }

  dispose(): void {
    this.preview.dispose();
    this.run.dispose();
    Signal.clearData(this);
  }

  /** The steps where every field can be read; else what is wrong stands at them. */
  private _checked(): RecipeStep[] | null {
    this._sent = this._steps.map(step => step.key);
    this._complaints = this._steps.flatMap(step => {
      const kind = this.kindOf(step)!;
      const { complaints } = readStep(kind, step.texts);
      return Object.entries(complaints).map(([field, complaint]) => ({
        step: step.key,
        field,
        text: fieldComplaintText(complaint, kind.parameters.find(own => own.name === field)!, this._trans)
      }));
    });
    this._changed.emit();
    return this._complaints.length === 0 && this._steps.length > 0 ? this.json() : null;
  }

  private _onPreview(): void {
    const refused = this.preview.answer?.preview?.refused ?? null;
    if (refused !== null) {
      const text = [refused.message, refused.hint].filter(Boolean).join('. ');
      this._complaints = [this._placed(refused.step, refused.where?.split(', ') ?? [], text)];
    } else {
      this._fromJob(this.preview);
    }
    this._changed.emit();
  }

  private _onRun(): void {
    this._fromJob(this.run);
    if (this.run.answer?.status === 'COMPLETED') {
      this._draft.drop();
    }
    this._changed.emit();
  }

  /** Why a job could not be started, or failed, at the steps that it is about. */
  private _fromJob({ error, answer, isBusy }: Outcome<IPreviewOutcome> | Outcome<IProcessOutcome>): void {
    if (isBusy && error === null) {
      return;
    }
    if (error !== null) {
      const errors = error instanceof ApiError ? (error.problem.errors ?? []) : [];
      const placed = errors.map(({ field, message }) => {
        const [, index, name] = /^recipe\.(\d+)(?:\.(.+))?$/.exec(field) ?? [];
        return this._placed(index === undefined ? null : Number(index) + 1, name ? [name] : [], message);
      });
      this._complaints = placed.length > 0 ? placed : [{ step: null, field: null, text: describe(error).text }];
    } else if (answer?.error) {
      this._complaints = [this._placed(answer.error.step ?? null, [], answer.error.message ?? '')];
    }
  }

  /** A complaint of a step by its number from 1 in what was sent; its field, where one of the names is one. */
  private _placed(number: number | null, names: readonly string[], text: string): IComplaint {
    const key = number === null ? undefined : this._sent[number - 1];
    const step = this._steps.find(own => own.key === key);
    if (!step) {
      return { step: null, field: null, text: plain(text) };
    }
    const known = this.kindOf(step)?.parameters ?? [];
    const field = known.find(own => names.some(name => name.split('.')[0] === own.name))?.name ?? null;
    return { step: step.key, field, text: plain(text, known.map(own => own.name)) };
  }

  private _set(steps: readonly IStep[]): void {
    this._steps = steps;
    if (steps.length === 0) {
      this._draft.drop();
    } else {
      this._draft.write(steps.map(({ kind, texts }) => ({ kind, texts })));
    }
    this._changed.emit();
  }

  private _kinds: readonly IStepKind[] | null = null;
  private _error: unknown = null;
  private _steps: readonly IStep[] = [];
  private _complaints: readonly IComplaint[] = [];
  /** Keys of the steps as they were sent last. */
  private _sent: readonly number[] = [];
  private _previewed: string | null = null;
  /** What was asked for last, and its key: what got no answer may have been taken. */
  private _lastRun: { text: string; key: string } | null = null;
  private _lastKey = 0;
  private _changed = new Signal<this, void>(this);
}
