import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.util.*;

/** The server of ledger.py, whose comment says what it answers: a virtual thread for each connection. */
public final class Ledger {
    private final Map<String, String> values = new HashMap<>();
    private long count;
    private String digest = "";

    public static void main(String[] arguments) throws IOException {
        var ledger = new Ledger();
        try (var server = new ServerSocket(Integer.parseInt(arguments[0]))) {
            while (true) {
                var connection = server.accept();
                Thread.ofVirtual().start(() -> ledger.serve(connection));
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            var lines = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.US_ASCII));
            for (String line; (line = lines.readLine()) != null; ) {
                connection.getOutputStream().write((answer(line) + "\n").getBytes(StandardCharsets.US_ASCII));
            }
        } catch (IOException | GeneralSecurityException e) {
            e.printStackTrace();
        }
    }

    private synchronized String answer(String line) throws GeneralSecurityException {
        String[] words = line.split(" ");
        if (!words[0].equals("put")) {
            return values.get(words[1]);
        }

        values.put(words[1], words[2]);
        count++;
        byte[] all = (digest + words[1] + " " + words[2]).getBytes(StandardCharsets.US_ASCII);
        digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(all));
        return count + " " + digest;
    }
}
