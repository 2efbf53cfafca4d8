import { randomBytes } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { newId, type WebhookRecord } from '../../pool/repository-settings.js';
import { ApiError } from '../../problems/errors.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';
import { answers, closed, Done, done, RepoParams, TextOrNull } from '../../schemas/common.js';
import { iso } from '../../schemas/repository.js';
import { urlFault } from '../../webhooks/send.js';
import type { Delivery } from '../../webhooks/deliveries.js';

const SHOWN = {
  ...{
    id: Type.String(),
    url: Type.String(),
    events: Type.Array(Type.String()),
    branch: TextOrNull,
    path: TextOrNull,
    author: TextOrNull,
  },
  ...{ active: Type.Boolean(), created_at: Type.String() },
};
const WebhookShape = Type.Object(SHOWN);
const NewWebhookShape = Type.Object({ ...SHOWN, secret: Type.String() });
const DeliveryShape = Type.Object({
  ...{ id: Type.String(), event: Type.String(), created_at: Type.String(), redelivery_of: TextOrNull },
  state: Type.Enum(['pending', 'delivered', 'failed']),
  attempts: Type.Array(
    Type.Object({
      at: Type.String(),
      status: Type.Union([Type.Integer(), Type.Null()]),
      error: TextOrNull,
      duration_ms: Type.Number(),
    }),
  ),
});
const WholeDeliveryShape = Type.Object({
  ...DeliveryShape.properties,
  body: Type.Union([Type.String(), Type.Null()], { description: 'null where it is not kept any more' }),
});

const shape = ({ id, url, events, branch, path, author, active, createdAt }: WebhookRecord): Static<typeof WebhookShape> => ({
  ...{ id, url, events: [...events], branch, path, author, active, created_at: iso(createdAt) },
});
const deliveryShape = ({ id, event, createdAt, redeliveryOf, state, attempts }: Delivery): Static<typeof DeliveryShape> => ({
  ...{ id, event, created_at: iso(createdAt), redelivery_of: redeliveryOf, state },
  attempts: attempts.map(({ at, status, error, duration }) => ({
    at: iso(at),
    status,
    error,
    duration_ms: Math.round(duration),
  })),
});

/** Webhooks of one repository. */
const MOST = 50;

/** Where a repository's moves are told to others. The secret is shown once, when it is made. */
export function webhookRoutes(app: ApiApp, { pool, automation, settings: { webhooksPrivate }, clock }: ApiContext): void {
  const { settings, webhooks } = automation;
  const tags = ['webhooks'];
  const config = { access: 'webhook:write' as const };
  const params = Type.Object({ repo: Type.String({ maxLength: 200 }), hook: Type.String({ maxLength: 100 }) });
  const Filter = Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 1000 }), Type.Null()]));
  const FIELDS = {
    events: Type.Optional(Type.Array(Type.String({ pattern: '^(\\*|[a-z][a-z-]{0,30})$' }), { minItems: 1, maxItems: 20 })),
    ...{ branch: Filter, path: Filter, author: Filter, active: Type.Optional(Type.Boolean()) },
    secret: Type.Optional(Type.String({ minLength: 16, maxLength: 256 })),
  };
  const Url = Type.String({ minLength: 8, maxLength: 2000 });
  const checked = (url: string): string => {
    const fault = urlFault(url, webhooksPrivate);
    if (fault !== null) throw new ApiError(400, 'INVALID_REQUEST', `the URL ${fault}`);
    return url;
  };
  const find = (repo: string, hook: string): WebhookRecord => {
    const found = settings.of(repo).webhooks.find(({ id }) => id === hook);
    if (found === undefined) throw new ApiError(404, 'NOT_FOUND', 'there is no such webhook');
    return found;
  };
  const ofDelivery = Type.Object({ ...params.properties, delivery: Type.String({ maxLength: 100 }) });
  const sent = async (repo: string, hook: string, delivery: string): Promise<Delivery> => {
    const found = (await webhooks.deliveries(repo, find(repo, hook).id)).find(({ id }) => id === delivery);
    if (found === undefined) throw new ApiError(404, 'NOT_FOUND', 'there is no such delivery, or it is not remembered any more');
    return found;
  };
  /** Opens the repository, so that its webhooks are known. */
  const within = <T>(repo: string, work: () => Promise<T> | T): Promise<T> => pool.use(repo, async () => work());

  app.get(
    '/repos/:repo/webhooks',
    {
      config,
      schema: {
        ...{ summary: 'List webhooks', tags, params: RepoParams },
        response: answers(200, Type.Object({ webhooks: Type.Array(WebhookShape), count: Type.Integer() })),
      },
    },
    async ({ params: { repo } }) =>
      within(repo, () => {
        const all = settings.of(repo).webhooks.map(shape);
        return { webhooks: all, count: all.length };
      }),
  );
  app.post(
    '/repos/:repo/webhooks',
    {
      config,
      schema: {
        ...{ summary: 'Make a webhook; its secret is shown this once', tags, params: RepoParams },
        ...{ body: closed({ url: Url, ...FIELDS }), response: answers(201, NewWebhookShape) },
      },
    },
    async ({ params: { repo }, body: { url, secret, events = ['*'], branch, path, author, active = true } }, reply) => {
      const made: WebhookRecord = {
        ...{ id: newId('whk'), url: checked(url), secret: secret ?? randomBytes(32).toString('base64url'), events },
        ...{ branch: branch ?? null, path: path ?? null, author: author ?? null, active, createdAt: clock.now() },
      };
      await within(repo, () => {
        if (settings.of(repo).webhooks.length >= MOST)
          throw new ApiError(409, 'CONFLICT', `a repository has at most ${MOST} webhooks`);
        return settings.change(repo, (old) => ({ webhooks: [...old.webhooks, made] }));
      });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...shape(made), secret: made.secret });
    },
  );
  app.get(
    '/repos/:repo/webhooks/:hook',
    { config, schema: { summary: 'Show a webhook', tags, params, response: answers(200, WebhookShape) } },
    async ({ params: { repo, hook } }) => within(repo, () => shape(find(repo, hook))),
  );
  app.put(
    '/repos/:repo/webhooks/:hook',
    {
      config,
      schema: {
        ...{ summary: 'Change a webhook, or its secret', tags, params },
        ...{ body: closed({ url: Type.Optional(Url), ...FIELDS }), response: answers(200, WebhookShape) },
      },
    },
    async ({ params: { repo, hook }, body }) =>
      within(repo, async () => {
        if (body.url !== undefined) checked(body.url);
        const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
        const changed: WebhookRecord = { ...find(repo, hook), ...given };
        await settings.change(repo, ({ webhooks: all }) => ({
          webhooks: all.map((each) => (each.id === hook ? changed : each)),
        }));
        return shape(changed);
      }),
  );
  app.delete(
    '/repos/:repo/webhooks/:hook',
    { config, schema: { summary: 'Delete a webhook', tags, params, response: answers(200, Done) } },
    async ({ params: { repo, hook } }) =>
      within(repo, async () => {
        find(repo, hook);
        await settings.change(repo, ({ webhooks: all }) => ({ webhooks: all.filter(({ id }) => id !== hook) }));
        webhooks.forget(repo, hook);
        return done('the webhook is deleted');
      }),
  );
  app.post(
    '/repos/:repo/webhooks/:hook/ping',
    { config, schema: { summary: 'Send it something', tags, params, response: answers(202, DeliveryShape) } },
    async ({ params: { repo, hook } }, reply) =>
      within(repo, () =>
        reply.code(202).send(deliveryShape(webhooks.deliver(repo, find(repo, hook), 'ping', { time: iso(clock.now()) }))),
      ),
  );
  app.get(
    '/repos/:repo/webhooks/:hook/deliveries',
    {
      config,
      schema: {
        ...{ summary: 'What was sent, newest first', tags, params },
        response: answers(
          200,
          Type.Object({
            ...{ deliveries: Type.Array(DeliveryShape), count: Type.Integer() },
            kept: Type.Boolean({
              description: 'whether they are there after a restart; those of a memory-only repository are not',
            }),
          }),
        ),
      },
    },
    async ({ params: { repo, hook } }) =>
      within(repo, async () => {
        const all = (await webhooks.deliveries(repo, find(repo, hook).id)).map(deliveryShape);
        return { deliveries: all, count: all.length, kept: !pool.entry(repo).memoryOnly };
      }),
  );
  app.get(
    '/repos/:repo/webhooks/:hook/deliveries/:delivery',
    {
      config,
      schema: { summary: 'What was sent, with its body', tags, params: ofDelivery, response: answers(200, WholeDeliveryShape) },
    },
    async ({ params: { repo, hook, delivery } }) =>
      within(repo, async () => {
        const found = await sent(repo, hook, delivery);
        return { ...deliveryShape(found), body: found.body };
      }),
  );
  app.post(
    '/repos/:repo/webhooks/:hook/deliveries/:delivery/redeliver',
    {
      config,
      schema: { summary: 'Send it once more', tags, params: ofDelivery, response: answers(202, DeliveryShape) },
    },
    async ({ params: { repo, hook, delivery } }, reply) =>
      within(repo, async () => reply.code(202).send(deliveryShape(webhooks.redeliver(repo, await sent(repo, hook, delivery))))),
  );
}
