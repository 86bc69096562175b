// Serves the folder's repositories by JGit's servlet on Jetty, as Gerrit does; ends when standard input closes.

import java.io.File;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.http.server.resolver.DefaultReceivePackFactory;
import org.eclipse.jgit.transport.ReceiveCommand;
import org.eclipse.jgit.transport.ReceivePack;
import org.eclipse.jgit.transport.resolver.FileResolver;

public class JGit {
    public static void main(String[] arguments) throws Exception {
        File root = new File(arguments[0]);
        GitServlet git = new GitServlet();
        git.setRepositoryResolver(new FileResolver<>(root, true));
        DefaultReceivePackFactory pushes = new DefaultReceivePackFactory();
        git.setReceivePackFactory((request, repository) -> {
            ReceivePack pack = pushes.create(request, repository);
            // JGit runs no scripts: what they would do is done here.
            if (new File(repository.getDirectory(), "hooks/pre-receive").exists()) {
                pack.setPreReceiveHook((receiving, commands) -> {
                    receiving.sendMessage("GH013: violations");
                    receiving.sendMessage("- Sign your commits.");
                    for (ReceiveCommand command : commands) {
                        command.setResult(ReceiveCommand.Result.REJECTED_OTHER_REASON, "declined");
                    }
                });
            }
            return pack;
        });
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler();
        context.addServlet(new ServletHolder(git), "/*");
        server.setHandler(context);
        server.start();
        System.out.println(connector.getLocalPort());
        while (System.in.read() >= 0) {
        }
        System.exit(0);
    }
}
