import java.nio.file.Files;
import java.nio.file.Path;
import org.jetbrains.kotlin.cli.common.messages.MessageCollector;
import org.jetbrains.kotlin.cli.jvm.compiler.EnvironmentConfigFiles;
import org.jetbrains.kotlin.cli.jvm.compiler.KotlinCoreEnvironment;
import org.jetbrains.kotlin.com.intellij.openapi.Disposable;
import org.jetbrains.kotlin.com.intellij.openapi.util.Disposer;
import org.jetbrains.kotlin.com.intellij.psi.PsiErrorElement;
import org.jetbrains.kotlin.com.intellij.psi.util.PsiTreeUtil;
import org.jetbrains.kotlin.cli.common.CLIConfigurationKeys;
import org.jetbrains.kotlin.config.CompilerConfiguration;
import org.jetbrains.kotlin.psi.KtFile;
import org.jetbrains.kotlin.psi.KtPsiFactory;

/** Prints where the Kotlin compiler's own parser finds what is no Kotlin: FILE:LINE: what, one line for each place. */
public final class ParseKotlin {
    public static void main(String[] files) throws Exception {
        Disposable life = Disposer.newDisposable("parse");
        CompilerConfiguration configuration = new CompilerConfiguration();
        configuration.put(CLIConfigurationKeys.MESSAGE_COLLECTOR_KEY, MessageCollector.Companion.getNONE());
        KotlinCoreEnvironment environment = KotlinCoreEnvironment.Companion.createForProduction(
            life, configuration, EnvironmentConfigFiles.JVM_CONFIG_FILES);
        KtPsiFactory factory = new KtPsiFactory(environment.getProject(), false);
        for (String file : files) {
            Path path = Path.of(file);
            String text = Files.readString(path);
            KtFile parsed = factory.createFile(path.getFileName().toString(), text);
            for (PsiErrorElement error : PsiTreeUtil.findChildrenOfType(parsed, PsiErrorElement.class)) {
                long line = text.substring(0, error.getTextOffset()).lines().count();
                System.out.println(path.getFileName() + ":" + line + ": " + error.getErrorDescription());
            }
        }
        Disposer.dispose(life);
    }
}
