"""Every route, in one table: the application, the OpenAPI document and the tests read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from .handlers import (
    backtests,
    checks,
    code,
    connectors,
    dataset_reading,
    datasets,
    debug,
    ingests,
    jobs,
    recipes,
    strategies,
    stream,
    system,
    uploads,
    validations,
)
from .handlers.base import AlphintraHandler, Endpoint

VERBS = ("get", "head", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """A path, as in OpenAPI, and its handler."""

    path: str
    handler: type[AlphintraHandler]

    @property
    def pattern(self) -> str:
        """The path as Tornado matches it; parts are positional, in order."""
        pieces = []
        for piece in self.path.split("/"):
            if piece == "{number}":
                pieces.append("([0-9]+)")
            elif piece.startswith("{"):
                pieces.append("((?:[A-Za-z0-9_.@-]|%40)+)")  # no id has "@" of name@version: we say so
            else:
                pieces.append(piece.replace(".", r"\."))
        return "/".join(pieces)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The verbs it has."""
        found = {}
        for verb in VERBS:
            described = getattr(getattr(self.handler, verb), "endpoint", None)
            if described is not None:
                found[verb] = cast(Endpoint, described)
        return found


ROUTES = (
    Route("/api/strategies/code", strategies.StrategiesHandler),
    Route("/api/strategies/code/create", strategies.StrategyCreateHandler),
    Route("/api/strategies/code/inspect", strategies.SourceInspectHandler),
    Route("/api/strategies/code/from-file", strategies.StrategyFromFileHandler),
    Route("/api/strategies/code/{id}", strategies.StrategyHandler),
    Route("/api/strategies/code/{id}/execute", strategies.StrategyExecuteHandler),
    Route("/api/strategies/code/{id}/versions", strategies.StrategyVersionsHandler),
    Route("/api/strategies/code/{id}/versions/{number}", strategies.StrategyVersionHandler),
    Route("/api/strategies/code/{id}/checks", checks.ChecksHandler),
    Route("/api/strategies/code/{id}/checks/run", checks.ChecksRunHandler),
    Route("/api/strategies/code/{id}/checks/runs", checks.ChecksRunsHandler),
    Route("/api/strategies/code/{id}/checks/runs/{run}", checks.ChecksOneRunHandler),
    Route("/api/strategies/code/{id}/checks/runs/{run}/cancel", checks.ChecksCancelHandler),
    Route("/api/strategies/code/{id}/debug", debug.DebugHandler),
    Route("/api/strategies/code/{id}/debug/{sid}", debug.DebugSessionHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/step", debug.DebugStepHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/step-back", debug.DebugStepBackHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/continue", debug.DebugContinueHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/run-to", debug.DebugRunToHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/evaluate", debug.DebugEvaluateHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/variables", debug.DebugVariablesHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/breakpoints", debug.DebugBreakpointsHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/stop", debug.DebugStopHandler),
    Route("/api/strategies/code/{id}/debug/{sid}/events", debug.DebugEventsHandler),
    Route("/api/strategies/code/{id}/archive", strategies.StrategyArchiveHandler),
    Route("/api/strategies/code/{id}/restore", strategies.StrategyRestoreHandler),
    Route("/api/strategies/templates", strategies.TemplatesHandler),
    Route("/api/strategies/templates/{id}/clone", strategies.TemplateCloneHandler),
    Route("/api/sdk/documentation", code.SdkDocumentationHandler),
    Route("/api/code/validate", code.CodeValidateHandler),
    Route("/api/snippets", code.SnippetsHandler),
    Route("/api/datasets", datasets.DatasetsHandler),
    # Before the ones whose id it could be.
    Route("/api/datasets/upload", uploads.UploadsHandler),
    Route("/api/datasets/upload/{id}", uploads.UploadHandler),
    Route("/api/datasets/upload/{id}/inspect", ingests.UploadInspectHandler),
    Route("/api/datasets/upload/{id}/inspection", ingests.UploadInspectionHandler),
    Route("/api/datasets/upload/{id}/ingest", ingests.UploadIngestHandler),
    Route("/api/datasets/usage", datasets.StorageUsageHandler),
    Route("/api/datasets/rules", validations.RulesHandler),
    Route("/api/datasets/recipes/schema", recipes.RecipeSchemaHandler),
    Route("/api/datasets/{id}", datasets.DatasetHandler),
    Route("/api/datasets/{id}/versions", datasets.DatasetVersionsHandler),
    Route("/api/datasets/{id}/versions/{number}", datasets.DatasetVersionHandler),
    Route("/api/datasets/{id}/versions/{number}/validation", validations.ValidationHandler),
    Route("/api/datasets/{id}/versions/{number}/acknowledge", validations.AcknowledgeHandler),
    Route("/api/datasets/{id}/versions/{number}/restore", recipes.VersionRestoreHandler),
    Route("/api/datasets/{id}/process", recipes.DatasetProcessHandler),
    # Before the one whose job it could be.
    Route("/api/datasets/{id}/process/preview", recipes.RecipePreviewsHandler),
    Route("/api/datasets/{id}/process/preview/{job}", recipes.RecipePreviewHandler),
    Route("/api/datasets/{id}/process/{job}", recipes.DatasetProcessedHandler),
    Route("/api/datasets/{id}/compare", recipes.DatasetCompareHandler),
    Route("/api/datasets/{id}/compare/{job}", recipes.DatasetComparedHandler),
    Route("/api/datasets/{id}/validate", validations.DatasetValidateHandler),
    Route("/api/datasets/{id}/grants", datasets.DatasetGrantsHandler),
    Route("/api/datasets/{id}/preview", datasets.DatasetPreviewHandler),
    Route("/api/datasets/{id}/statistics", datasets.DatasetStatisticsHandler),
    Route("/api/datasets/{id}/candles", dataset_reading.CandlesHandler),
    Route("/api/datasets/{id}/download", dataset_reading.DownloadHandler),
    Route("/api/datasets/{id}/download/plan", dataset_reading.DownloadPlanHandler),
    Route("/api/connectors", connectors.ConnectorsHandler),
    Route("/api/connectors/{id}", connectors.ConnectorHandler),
    Route("/api/connectors/{id}/run", connectors.ConnectorRunHandler),
    Route("/api/connectors/{id}/runs", connectors.ConnectorRunsHandler),
    Route("/api/backtests", backtests.BacktestsHandler),
    # Before the one whose id it could be.
    Route("/api/backtests/compare", backtests.BacktestsCompareHandler),
    Route("/api/backtests/{id}", backtests.BacktestHandler),
    Route("/api/backtests/{id}/run", backtests.BacktestRunHandler),
    Route("/api/backtests/{id}/cancel", backtests.BacktestCancelHandler),
    Route("/api/backtests/{id}/results", backtests.BacktestResultsHandler),
    Route("/api/backtests/{id}/trades", backtests.BacktestTradesHandler),
    Route("/api/backtests/{id}/report", backtests.BacktestReportHandler),
    Route("/api/jobs", jobs.JobsHandler),
    Route("/api/jobs/{id}", jobs.JobHandler),
    Route("/api/jobs/{id}/cancel", jobs.JobCancelHandler),
    Route("/api/jobs/{id}/log", jobs.JobLogHandler),
    Route("/api/stream", stream.StreamHandler),
    Route("/api/system", system.SystemHandler),
    Route("/api/openapi.json", system.OpenApiHandler),
)

UNKNOWN = r"/api/(?:strategies|datasets|connectors|backtests|jobs|code|sdk|snippets|stream)(?:/.*[^/])?"
"""What is none of ours and lies where they do; behind all of them. A slash at the end is seen to by Jupyter."""

PROBES = (
    Route("/health", system.HealthHandler),
    Route("/ready", system.ReadyHandler),
)
