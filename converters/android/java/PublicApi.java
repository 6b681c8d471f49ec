import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.Logger;
import org.objectweb.asm.AnnotationVisitor;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

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
            Set<String> excused = excused(files, "L" + args[1].replace('.', '/') + ";");
            for (Path file : files) {
                if (!excused.contains(internalName(file))) {
                    checker.process(file.toFile());
                }
            }
        }
        String folder = classes + File.separator;
        said.forEach(line -> System.out.println("! " + line.replace(folder, "").replace("Undefined reference: ", "")));
        System.out.println(files.size() + " classes compared");
    }

    /**
     * Classes that stand inside an annotated method or class: a lambda of an annotated method is a class of its own, on
     * which the annotation does not stand.
     */
    private static Set<String> excused(List<Path> files, String annotation) throws IOException {
        Set<String> annotated = new HashSet<>();
        Map<String, String> enclosing = new HashMap<>();
        for (Path file : files) {
            String own = internalName(file);
            new ClassReader(Files.readAllBytes(file)).accept(new ClassVisitor(Opcodes.ASM9) {
                @Override public AnnotationVisitor visitAnnotation(String type, boolean visible) {
                    if (type.equals(annotation)) {
                        annotated.add(own);
                    }
                    return null;
                }

                @Override public void visitOuterClass(String owner, String method, String descriptor) {
                    enclosing.put(own, method == null ? owner : owner + "." + method + descriptor);
                }

                @Override public MethodVisitor visitMethod(int flags, String method, String descriptor, String generic, String[] thrown) {
                    return new MethodVisitor(Opcodes.ASM9) {
                        @Override public AnnotationVisitor visitAnnotation(String type, boolean visible) {
                            if (type.equals(annotation)) {
                                annotated.add(own + "." + method + descriptor);
                            }
                            return null;
                        }
                    };
                }
            }, ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
        }
        Set<String> excused = new HashSet<>();
        for (String own : enclosing.keySet()) {
            String around = own;
            while (enclosing.containsKey(around)) {
                String outside = enclosing.get(around);
                String owner = outside.contains(".") ? outside.substring(0, outside.indexOf('.')) : outside;
                if (annotated.contains(outside) || annotated.contains(owner)) {
                    excused.add(own);
                    break;
                }
                around = owner;
            }
        }
        return excused;
    }

    private static String internalName(Path file) throws IOException {
        return new ClassReader(Files.readAllBytes(file)).getClassName();
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
