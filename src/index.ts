export { type Client, type ClientOptions, connect } from './client/connect.ts';
export { connectRaw, type RawCallFacts, type RawClient } from './client/connect-raw.ts';
export type { BreakerEvent, ClientEvents } from './client/events.ts';
export type { Notice } from './client/notice.ts';
export type { ConnectOptions } from './client/options.ts';
export { classifyByCode, type ErrorKind } from './client/pool/classify.ts';
export type { PoolContext, PoolHooks, PoolOptions } from './client/pool/options.ts';
export { type UseOptions, WeightedPool } from './client/pool/pool.ts';
export type { ChangeView, NodesView, NodeView } from './client/view.ts';
export { Encoded, type Metadata, type Reply } from './core/call.ts';
export { type Code, codes, type Reason } from './core/code.ts';
export {
  type CallOptions,
  type Fallbacks,
  type HandlerContext,
  type Handlers,
  type Method,
  type Methods,
  method,
  type Service,
  type ServiceModule,
  service,
} from './core/contract.ts';
export { type Attempt, RpcError, type Stage } from './core/error.ts';
export type { Log } from './core/log.ts';
export type { Metrics } from './core/metrics.ts';
export { type NoticeSource, type Webhook, type WebhookCounts, type WebhookOptions, webhook } from './ops/webhook.ts';
export { openRegistry } from './registry/open.ts';
export type { Lease, Registry, SettingsDocument, View } from './registry/registry.ts';
export type { ServeOptions } from './server/options.ts';
export { type Server, serve } from './server/serve.ts';
