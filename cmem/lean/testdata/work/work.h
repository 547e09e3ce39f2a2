/* work.h: functions of C that take much stack. Each gives up where the system lacks what it
 * needs. */
void work_format(void);               /* printf of very long numbers */
void work_sort(void);                 /* qsort */
void work_match(void);                /* regcomp, regexec, glob */
void work_convert(void);              /* iconv, localtime */
void work_library(void);              /* dlopen */
void work_resolve(const char *host);  /* getaddrinfo */
void work_call_back(int n);           /* calls workBack(n), in Go */
void work_call_back_on_thread(int n); /* the same, on a new thread of C */
void work_fault(void);                /* writes to address 0 */
