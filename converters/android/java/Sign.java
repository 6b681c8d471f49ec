import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.interfaces.ECKey;
import java.security.interfaces.RSAKey;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;

/**
 * Signs with a key that never leaves this process. On stdin: the keystore's password, the key's password (may be
 * empty: the same) and the alias (may be empty: the only key), a line each and base64; after "key", "chain" and "public"
 * were answered, lines "ALGORITHM BASE64", each answered by "signature BASE64". A mistake of the user is answered by
 * "problem KIND".
 */
public class Sign {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        char[] storePassword = text(in).toCharArray();
        String keyPassword = text(in);
        String alias = text(in);
        KeyStore store = open(args[0], storePassword);
        if (store == null) {
            return;
        }
        List<String> keys = new ArrayList<>();
        for (String name : Collections.list(store.aliases())) {
            if (store.isKeyEntry(name)) {
                keys.add(name);
            }
        }
        if (alias.isEmpty() && keys.size() == 1) {
            alias = keys.get(0);
        }
        if (alias.isEmpty() || !store.isKeyEntry(alias)) {
            problem(keys.isEmpty() ? "empty" : "alias " + encoded(String.join(", ", keys).getBytes(StandardCharsets.UTF_8)));
            return;
        }
        Key key;
        try {
            key = store.getKey(alias, keyPassword.isEmpty() ? storePassword : keyPassword.toCharArray());
        } catch (UnrecoverableKeyException e) {
            problem("key-password");
            return;
        }
        Certificate[] chain = store.getCertificateChain(alias);
        if (!(key instanceof PrivateKey) || chain == null) {
            problem("empty");
            return;
        }
        PublicKey publicKey = chain[0].getPublicKey();
        System.out.println("key " + publicKey.getAlgorithm() + " " + bits(publicKey));
        StringBuilder certificates = new StringBuilder("chain");
        for (Certificate certificate : chain) {
            certificates.append(' ').append(encoded(certificate.getEncoded()));
        }
        System.out.println(certificates);
        System.out.println("public " + encoded(publicKey.getEncoded()));
        System.out.flush();
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            String[] words = line.split(" ");
            byte[] content = Base64.getDecoder().decode(words[1]);
            Signature signature = Signature.getInstance(words[0]);
            signature.initSign((PrivateKey) key);
            signature.update(content);
            byte[] made = signature.sign();
            signature.initVerify(publicKey);
            signature.update(content);
            if (!signature.verify(made)) {
                problem("pair");
                return;
            }
            System.out.println("signature " + encoded(made));
            System.out.flush();
        }
    }

    /** The keystore, of whichever type it is; null where a problem was told. */
    private static KeyStore open(String path, char[] password) throws Exception {
        boolean wrongPassword = false;
        for (String type : new String[] {"PKCS12", "JKS"}) {
            try (InputStream file = new FileInputStream(path)) {
                KeyStore store = KeyStore.getInstance(type);
                store.load(file, password);
                return store;
            } catch (IOException e) {
                wrongPassword |= e.getCause() instanceof UnrecoverableKeyException;
            } catch (KeyStoreException e) {
                continue;
            }
        }
        problem(wrongPassword ? "password" : "format");
        return null;
    }

    private static int bits(PublicKey key) {
        if (key instanceof RSAKey) {
            return ((RSAKey) key).getModulus().bitLength();
        }
        return key instanceof ECKey ? ((ECKey) key).getParams().getOrder().bitLength() : 0;
    }

    private static String text(BufferedReader in) throws IOException {
        String line = in.readLine();
        return new String(Base64.getDecoder().decode(line == null ? "" : line), StandardCharsets.UTF_8);
    }

    private static String encoded(byte[] content) {
        return Base64.getEncoder().encodeToString(content);
    }

    private static void problem(String kind) {
        System.out.println("problem " + kind);
        System.out.flush();
    }
}
