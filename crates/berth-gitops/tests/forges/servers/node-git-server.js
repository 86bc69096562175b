// Serves the folder's repositories by node-git-server; ends when standard input closes.
const { Git } = require("node-git-server");
const http = require("http");

const git = new Git(process.argv[2], { autoCreate: false });
git.on("push", (push) => push.accept());
git.on("fetch", (fetch) => fetch.accept());
const server = http.createServer((request, response) => git.handle(request, response));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
