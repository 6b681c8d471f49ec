import com.android.apksig.ApkVerifier;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;

/**
 * Verify APK MIN_SDK CERTIFICATE SIGNED SIGNATURE ALGORITHM: scheme 2 of the APK by Google's apksig (whose newest version
 * on Maven Central does not know scheme 3), then the signature of scheme 3's data, which was read out of the APK, with
 * the certificate in it, which must be the one that apksig has found. Prints "verified", or "problem" and what it is.
 */
public class Verify {
    public static void main(String[] args) throws Exception {
        ApkVerifier.Result result = new ApkVerifier.Builder(new File(args[0]))
                .setMinCheckedPlatformVersion(Integer.parseInt(args[1]))
                .build()
                .verify();
        if (!result.isVerified() || !result.isVerifiedUsingV2Scheme()) {
            System.out.println("problem scheme 2: " + result.getErrors());
            result.getV2SchemeSigners().forEach(signer -> System.out.println("problem scheme 2: " + signer.getErrors()));
            return;
        }
        X509Certificate certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(args[2]))));
        byte[] found = result.getSignerCertificates().get(0).getEncoded();
        if (!Arrays.equals(found, certificate.getEncoded())) {
            System.out.println("problem scheme 3: another certificate than scheme 2's");
            return;
        }
        Signature signature = Signature.getInstance(args[5]);
        signature.initVerify(certificate.getPublicKey());
        signature.update(Files.readAllBytes(Path.of(args[3])));
        if (!signature.verify(Files.readAllBytes(Path.of(args[4])))) {
            System.out.println("problem scheme 3: the signature does not verify");
            return;
        }
        System.out.println("verified");
    }
}
