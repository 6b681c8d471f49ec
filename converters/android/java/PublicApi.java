import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.Logger;

/**
 * PublicApi SIGNATURE ANNOTATION CLASSES JAR...: prints "! call" for each use, in the class files under the folder
 * CLASSES, of a class or member that is neither in the signature nor in one of the jars nor among the classes.
 */
public class PublicApi {
    public static void main(String[] args) throws IOException {
        Path classes = Path.of(args[2]);
        Set<String> own = new HashSet<>();
        List<Path> files;
        try (Stream<Path> found = Files.walk(classes)) {
            files = found.filter(path -> path.toString().endsWith(".class")).sorted().collect(Collectors.toList());
        }
        for (Path file : files) {
            own.add(name(classes.relativize(file).toString().replace(File.separatorChar, '/')));
        }
        for (int i = 3; i < args.length; i++) {
            try (ZipFile jar = new ZipFile(args[i])) {
                jar.stream().map(ZipEntry::getName).filter(n -> n.endsWith(".class")).forEach(n -> own.add(name(n)));
            }
        }
        Set<String> said = new TreeSet<>();
        try (InputStream signature = Files.newInputStream(Path.of(args[0]))) {
            SignatureChecker checker = new SignatureChecker(signature, own, new Account(said));
            checker.setSourcePath(new ArrayList<>());
            checker.setAnnotationTypes(List.of(args[1]));
            for (Path file : files) {
                checker.process(file.toFile());
            }
        }
        String folder = classes + File.separator;
        said.forEach(line -> System.out.println("! " + line.replace(folder, "").replace("Undefined reference: ", "")));
        System.out.println(files.size() + " classes compared");
    }

    private static String name(String file) {
        return file.substring(0, file.length() - ".class".length()).replace('/', '.');
    }

    /** Keeps what the checker calls errors. */
    private static final class Account implements Logger {
        private final Set<String> errors;

        Account(Set<String> errors) {
            this.errors = errors;
        }

        @Override public void error(String message) {
            errors.add(message.replace('\n', ' '));
        }

        @Override public void error(String message, Throwable cause) {
            error(message);
        }

        @Override public void info(String message) {}

        @Override public void info(String message, Throwable cause) {}

        @Override public void debug(String message) {}

        @Override public void debug(String message, Throwable cause) {}

        @Override public void warn(String message) {}

        @Override public void warn(String message, Throwable cause) {}
    }
}
