package io.sluice.instrumentation.testing;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * The TLS mode's certificate, self-signed for {@code localhost}, {@code 127.0.0.1} and {@code ::1}, and contexts for
 * both sides. The key lies beside this class as PKCS #8, the certificate as X.509, because these two can be read by
 * every JDK from 8 on, which is not true of a key store file. Stateless.
 */
public final class TestTls {
    private static final String PEM = "localhost-for-tests.pem";
    private static final char[] PASSWORD = "changeit".toCharArray();

    private TestTls() {}

    /** A context for clients that trusts the test servers' certificate and no other. */
    public static SSLContext clientContext() {
        try {
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trustStore(KeyStore.getDefaultType()));
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("cannot make a TLS context", e);
        }
    }

    /** Makes {@link #clientContext()} the default of this JVM: for programs that only use the default. */
    public static void trustInThisJvm() {
        SSLContext.setDefault(clientContext());
    }

    /**
     * Writes a trust store for a child JVM: {@code -Djavax.net.ssl.trustStore=file} with
     * {@code -Djavax.net.ssl.trustStoreType=JKS}, password {@code changeit}. JKS, because all JDKs read it.
     */
    public static void writeTrustStore(File file) {
        try (OutputStream out = new FileOutputStream(file)) {
            trustStore("JKS").store(out, PASSWORD);
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("cannot write the trust store " + file, e);
        }
    }

    static SSLContext serverContext() {
        try {
            KeyStore keys = KeyStore.getInstance(KeyStore.getDefaultType());
            keys.load(null, null);
            keys.setKeyEntry("server", privateKey(), PASSWORD, new Certificate[] {certificate()});
            KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(keys, PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("cannot make a TLS context", e);
        }
    }

    /** Puts TLS on an accepted connection; the handshake takes place with the first byte that is read. */
    static SSLSocket layerOn(Socket accepted, SSLContext context) throws IOException {
        SSLSocket layered = (SSLSocket)
                context.getSocketFactory().createSocket(accepted, "localhost", accepted.getLocalPort(), true);
        layered.setUseClientMode(false);
        return layered;
    }

    private static KeyStore trustStore(String type) throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance(type);
        trusted.load(null, null);
        trusted.setCertificateEntry("server", certificate());
        return trusted;
    }

    private static PrivateKey privateKey() throws GeneralSecurityException, IOException {
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(section("PRIVATE KEY")));
    }

    private static Certificate certificate() throws GeneralSecurityException, IOException {
        return CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(section("CERTIFICATE")));
    }

    private static byte[] section(String name) throws IOException {
        StringBuilder base64 = new StringBuilder();
        boolean inside = false;
        try (InputStream in = TestTls.class.getResourceAsStream(PEM)) {
            if (in == null) {
                throw new IOException("no resource " + PEM);
            }
            BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("-----")) {
                    inside = line.equals("-----BEGIN " + name + "-----");
                } else if (inside) {
                    base64.append(line);
                }
            }
        }
        return Base64.getDecoder().decode(base64.toString());
    }
}
