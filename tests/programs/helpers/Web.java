/* A web server and a web client on Java's own classes.
   java Web.java server DIRECTORY PORT | java Web.java client URL FILE */
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;

public class Web {
    static String sum(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    static void answer(HttpExchange exchange, Path directory) throws IOException {
        Path file = directory.resolve(Path.of(exchange.getRequestURI().getPath()).getFileName());
        try (exchange) {
            if (exchange.getRequestMethod().equals("PUT")) {
                Files.copy(exchange.getRequestBody(), file, StandardCopyOption.REPLACE_EXISTING);
                byte[] body;
                try {
                    body = (sum(Files.readAllBytes(file)) + "\n").getBytes();
                } catch (Exception e) {
                    throw new IOException(e);
                }
                exchange.sendResponseHeaders(201, body.length);
                exchange.getResponseBody().write(body);
            } else if (Files.exists(file)) {
                exchange.sendResponseHeaders(200, Files.size(file));
                try (OutputStream out = exchange.getResponseBody()) {
                    Files.copy(file, out);
                }
            } else {
                exchange.sendResponseHeaders(404, -1);
            }
        }
    }

    static void client(String url, Path file) throws Exception {
        byte[] data = Files.readAllBytes(file);
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpRequest put = HttpRequest.newBuilder(URI.create(url + "/java.data")).PUT(HttpRequest.BodyPublishers.ofFile(file)).build();
        HttpResponse<String> stored = client.send(put, HttpResponse.BodyHandlers.ofString());
        System.out.println("put " + (stored.statusCode() == 201 && stored.body().trim().equals(sum(data))));
        HttpRequest get = HttpRequest.newBuilder(URI.create(url + "/java.data")).build();
        System.out.println("get " + sum(client.send(get, HttpResponse.BodyHandlers.ofByteArray()).body()).equals(sum(data)));
        List<CompletableFuture<byte[]>> many = new ArrayList<>();
        HttpRequest small = HttpRequest.newBuilder(URI.create(url + "/small.data")).build();
        for (int i = 0; i < 50; i++) {
            many.add(client.sendAsync(small, HttpResponse.BodyHandlers.ofByteArray()).thenApply(HttpResponse::body));
        }
        int right = 0;
        for (CompletableFuture<byte[]> one : many) {
            if (one.get().length == 5000) {
                right++;
            }
        }
        System.out.println("small " + right);
        System.out.println("none " + client.send(HttpRequest.newBuilder(URI.create(url + "/none")).build(), HttpResponse.BodyHandlers.discarding()).statusCode());

        URI uri = URI.create(url);
        try (Socket socket = new Socket(uri.getHost(), uri.getPort()); InputStream in = socket.getInputStream()) {
            socket.setSoTimeout(300);
            socket.setTcpNoDelay(true);
            System.out.println("options " + socket.getTcpNoDelay() + " " + socket.getSoTimeout() + " " + socket.getInetAddress().getHostAddress()
                    + " " + socket.getLocalAddress().getHostAddress());
            try {
                in.read();
                System.out.println("timeout no");
            } catch (java.net.SocketTimeoutException e) {
                System.out.println("timeout yes");
            }
        }
        try {
            new Socket(uri.getHost(), 9).close();
            System.out.println("refused no");
        } catch (java.net.ConnectException e) {
            System.out.println("refused " + e.getMessage());
        }
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.connect(new InetSocketAddress(uri.getHost(), 9000));
            ByteBuffer question = ByteBuffer.wrap("to be echoed".getBytes());
            channel.write(question);
            ByteBuffer answer = ByteBuffer.allocate(100);
            channel.socket().setSoTimeout(5000);
            channel.read(answer);
            System.out.println("datagram " + new String(answer.array(), 0, answer.position()));
        }
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("server")) {
            HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[2])), 100);
            server.createContext("/", exchange -> answer(exchange, Path.of(args[1])));
            server.setExecutor(Executors.newFixedThreadPool(8));
            server.start();
        } else {
            client(args[1], Path.of(args[2]));
            System.exit(0);
        }
    }
}
