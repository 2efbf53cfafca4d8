/** Clones, commits and pushes by jgit, as Debian has it (libjgit-java), which is run by a Java that compiles. */
export const CLONE_BY_JGIT = `
import java.io.File;
import java.nio.file.Files;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.transport.*;
public class Trial {
  public static void main(String[] args) throws Exception {
    CredentialsProvider login = new UsernamePasswordCredentialsProvider(args[1], args[2]);
    File folder = new File(args[3]);
    Git git = Git.cloneRepository().setURI(args[0]).setDirectory(folder).setCredentialsProvider(login).call();
    Files.write(new File(folder, "new").toPath(), "new".getBytes());
    git.add().addFilepattern("new").call();
    git.commit().setMessage("new").setAuthor("D", "d@example.com").setCommitter("D", "d@example.com").call();
    for (PushResult result : git.push().setCredentialsProvider(login).call())
      for (RemoteRefUpdate update : result.getRemoteUpdates())
        if (update.getStatus() != RemoteRefUpdate.Status.OK) throw new Exception(update.toString());
    git.fetch().setCredentialsProvider(login).call();
    git.close();
  }
}
`;

/** The same by dulwich: `python3 -c PROGRAM URL USER KEY FOLDER`, as for pygit2. */
export const CLONE_BY_DULWICH = `
import sys
from dulwich import porcelain
url, user, key, folder = sys.argv[1:]
repo = porcelain.clone(url, folder, username=user, password=key, errstream=open('/dev/null', 'wb'))
open(folder + '/new', 'w').write('new')
porcelain.add(repo, [folder + '/new'])
porcelain.commit(repo, message=b'new', author=b'D <d@example.com>', committer=b'D <d@example.com>')
null = open('/dev/null', 'wb')
porcelain.push(repo, url, 'main', username=user, password=key, outstream=null, errstream=null)
`;

export const CLONE_BY_PYGIT2 = `
import sys, pygit2
url, user, key, folder = sys.argv[1:]
class Login(pygit2.RemoteCallbacks):
    def credentials(self, url, username, allowed): return pygit2.UserPass(user, key)
    def push_update_reference(self, ref, message):
        if message is not None: raise Exception(message)
repo = pygit2.clone_repository(url, folder, callbacks=Login())
who = pygit2.Signature('D', 'd@example.com')
builder = repo.TreeBuilder(repo.head.peel().tree)
builder.insert('new', repo.create_blob(b'new'), pygit2.GIT_FILEMODE_BLOB)
repo.create_commit('refs/heads/main', who, who, 'new', builder.write(), [repo.head.target])
repo.remotes['origin'].push(['refs/heads/main'], callbacks=Login())
`;
