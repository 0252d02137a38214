import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** A data set of our own in the format of the real one: two presentations that share student 7. */
export const TABLES: Readonly<Record<string, string>> = {
  courses: 'code_module,code_presentation,module_presentation_length\nXXX,2013J,10\nYYY,2014B,10\n',
  assessments:
    'code_module,code_presentation,id_assessment,assessment_type,date,weight\n' +
    'XXX,2013J,1,TMA,5,50\nXXX,2013J,2,Exam,,50\nYYY,2014B,3,CMA,4,100\n',
  studentRegistration:
    'code_module,code_presentation,id_student,date_registration,date_unregistration\n' +
    'XXX,2013J,7,-20,\nXXX,2013J,8,,3\nYYY,2014B,7,-5,\n',
  studentAssessment:
    'id_assessment,id_student,date_submitted,is_banked,score\n1,7,6,0,80\n1,8,-1,1,55\n2,7,9,0,\n3,7,3,0,40\n',
  studentVle:
    'code_module,code_presentation,id_student,id_site,date,sum_click\n' +
    'XXX,2013J,7,100,-2,3\nXXX,2013J,7,100,-2,1\nXXX,2013J,8,101,4,2\nYYY,2014B,7,200,1,9\n',
};

/** Covers both forms that are read: the publisher's plain files and compressed ones. */
export function writeSmallOulad(folder: string): void {
  for (const [table, text] of Object.entries(TABLES)) {
    if (table === 'courses') writeFileSync(path.join(folder, `${table}.csv`), text);
    else writeFileSync(path.join(folder, `${table}.csv.gz`), gzipSync(text));
  }
}
