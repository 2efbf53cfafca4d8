import { randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { checkedRights } from '../../../../domain/access/accounts.js';
import { answers, closed, Done, done, PAGE, page } from '../../schemas/common.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';
import { UserShape, userShape } from './auth.js';

const UserParams = Type.Object({ user: Type.String({ maxLength: 200 }) });
const Names = Type.Array(Type.String({ maxLength: 100 }), { maxItems: 50 });
const Password = Type.String({ minLength: 12, maxLength: 1024 });
const Email = Type.String({ minLength: 3, maxLength: 300, pattern: '^[^\\s<>@]+@[^\\s<>@]+$' });

/** Users, roles, and what single users may do in single repositories. */
export function userRoutes(app: ApiApp, { accounts, passwords, clock }: ApiContext): void {
  const tags = ['users'];
  app.get(
    '/users',
    {
      config: { access: 'user:read' },
      schema: {
        ...{ summary: 'List users', tags, querystring: closed(PAGE) },
        response: answers(200, Type.Object({ users: Type.Array(UserShape), total: Type.Integer() })),
      },
    },
    async ({ query }) => ({ users: page(accounts.users(), query).map(userShape), total: accounts.users().length }),
  );
  const NewUser = closed({
    ...{
      username: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }),
      email: Email,
      password: Password,
      roles: Type.Optional(Names),
    },
  });
  app.post(
    '/users',
    {
      config: { access: 'system:admin' },
      schema: { summary: 'Create a user', tags, body: NewUser, response: answers(201, UserShape) },
    },
    async ({ body: { username, email, password, roles = ['guest'] } }, reply) => {
      const id = `usr_${randomBytes(8).toString('hex')}`;
      const passwordHash = await passwords.hash(password);
      await accounts.addUser({ id, username, email, passwordHash, roles, active: true, createdAt: clock.now(), grants: {} });
      return reply.code(201).send(userShape(accounts.user(id)));
    },
  );
  app.get(
    '/users/:user',
    {
      config: { access: 'user:read' },
      schema: { summary: 'Show a user', tags, params: UserParams, response: answers(200, UserShape) },
    },
    async ({ params }) => userShape(accounts.user(params.user)),
  );
  const Change = closed({ email: Type.Optional(Email), password: Type.Optional(Password), roles: Type.Optional(Names) });
  app.put(
    '/users/:user',
    {
      config: { access: 'system:admin' },
      schema: { summary: 'Change a user', tags, params: UserParams, body: Change, response: answers(200, UserShape) },
    },
    async ({ params, body: { email, password, roles } }) => {
      const passwordHash = password === undefined ? {} : { passwordHash: await passwords.hash(password) };
      const change = { ...passwordHash, ...(email === undefined ? {} : { email }), ...(roles === undefined ? {} : { roles }) };
      return userShape(await accounts.changeUser(params.user, change));
    },
  );
  app.delete(
    '/users/:user',
    {
      config: { access: 'system:admin' },
      schema: { summary: 'Delete a user', tags, params: UserParams, response: answers(200, Done) },
    },
    async ({ params }) => {
      await accounts.removeUser(params.user);
      return done('the user is deleted');
    },
  );
  for (const active of [true, false]) {
    app.post(
      `/users/:user/${active ? 'activate' : 'deactivate'}`,
      {
        config: { access: 'system:admin' },
        schema: {
          summary: active ? 'Let a user in again' : 'Keep a user out; their sessions end at once',
          ...{ tags, params: UserParams, response: answers(200, UserShape) },
        },
      },
      async ({ params }) => userShape(await accounts.changeUser(params.user, { active })),
    );
  }

  const GrantParams = Type.Object({ user: Type.String({ maxLength: 200 }), repository: Type.String({ maxLength: 200 }) });
  app.put(
    '/users/:user/grants/:repository',
    {
      config: { access: 'system:admin' },
      schema: {
        ...{ summary: 'Say what a user may do in one repository, whatever their roles say', tags, params: GrantParams },
        ...{ body: closed({ permissions: Names }), response: answers(200, Done) },
      },
    },
    async ({ params: { user, repository }, body: { permissions } }) => {
      const { id, grants } = accounts.user(user);
      const granted = checkedRights(permissions);
      await accounts.changeUser(id, { grants: { ...grants, [repository]: granted } });
      return done(`granted: ${granted.join(', ') || 'nothing'}`);
    },
  );
  app.delete(
    '/users/:user/grants/:repository',
    {
      config: { access: 'system:admin' },
      schema: { summary: 'Let the roles say it again', tags, params: GrantParams, response: answers(200, Done) },
    },
    async ({ params: { user, repository } }) => {
      const { id, grants } = accounts.user(user);
      const { [repository]: _gone, ...left } = grants;
      await accounts.changeUser(id, { grants: left });
      return done('the roles say it');
    },
  );

  const Role = Type.Object({ name: Type.String(), permissions: Type.Array(Type.String()) });
  app.get(
    '/roles',
    {
      config: { access: 'user:read' },
      schema: {
        summary: 'List roles',
        tags,
        response: answers(200, Type.Object({ roles: Type.Array(Role), count: Type.Integer() })),
      },
    },
    async () => {
      const roles = [...accounts.roles()].map(([name, permissions]) => ({ name, permissions: [...permissions] }));
      return { roles, count: roles.length };
    },
  );
  const NewRole = closed({ name: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' }), permissions: Names });
  app.post(
    '/roles',
    {
      config: { access: 'system:admin' },
      schema: { summary: 'Create a role', tags, body: NewRole, response: answers(201, Role) },
    },
    async ({ body: { name, permissions } }, reply) => {
      await accounts.addRole(name, permissions);
      return reply.code(201).send({ name, permissions });
    },
  );
  app.delete(
    '/roles/:role',
    {
      config: { access: 'system:admin' },
      schema: { summary: 'Delete a role', tags, params: Type.Object({ role: Type.String() }), response: answers(200, Done) },
    },
    async ({ params: { role } }) => {
      await accounts.removeRole(role);
      return done(`role ${role} is deleted`);
    },
  );
}
